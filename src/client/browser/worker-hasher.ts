import type { HashMode, PartHasher } from '../../checksum/part-hasher.js'
import type { Hasher } from '../ports.js'

/** What is copied to the worker at a time, so that the memory of a part is not needed twice. */
const SLICE = 1024 * 1024

type Ask = (message: object) => Promise<string>

/** `hash-wasm` in a worker; on this thread where a worker cannot be had. */
export class WorkerHasher implements Hasher {
  #ask: Promise<Ask> | undefined
  #queue: Promise<unknown> = Promise.resolve()

  hash(mode: HashMode, bytes: Uint8Array): Promise<string> {
    // One part after another: the worker has one thread.
    const result = this.#queue.then(() => this.#hash(mode, bytes))
    this.#queue = result.catch(() => {})
    return result
  }

  async #hash(mode: HashMode, bytes: Uint8Array): Promise<string> {
    this.#ask ??= startWorker().catch(workHere)
    const ask = await this.#ask
    await ask({ mode })
    for (let at = 0; at < bytes.length; at += SLICE) {
      await ask({ bytes: bytes.subarray(at, at + SLICE) })
    }
    return ask({})
  }
}

/** Rejects where a worker cannot be had: a policy of the page, or the script being of another origin. */
async function startWorker(): Promise<Ask> {
  const worker = new Worker(new URL('./hash-worker.js', import.meta.url), { type: 'module' })
  const ask: Ask = (message) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = () => reject(new Error('the worker that hashes has failed'))
      const { bytes } = message as { readonly bytes?: Uint8Array }
      // A view is sent with all of the buffer that it is a view of.
      worker.postMessage(bytes === undefined ? message : { bytes: bytes.slice() })
    })
  await ask({ mode: 'md5' })
  return ask
}

/** The same on this thread, a slice at a time. */
async function workHere(): Promise<Ask> {
  const { createWasmHasher } = await import('../../checksum/wasm.js')
  let hasher: PartHasher | undefined
  return async (message) => {
    const { mode, bytes } = message as { readonly mode?: HashMode; readonly bytes?: Uint8Array }
    if (mode !== undefined) hasher = await createWasmHasher(mode)
    else if (bytes === undefined) return hasher?.digest() ?? ''
    else hasher?.update(bytes)
    await new Promise((turn) => setTimeout(turn))
    return ''
  }
}
