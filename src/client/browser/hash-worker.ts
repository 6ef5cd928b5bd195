import type { HashMode, PartHasher } from '../../checksum/part-hasher.js'
import { createWasmHasher } from '../../checksum/wasm.js'

/**
 * The worker of `worker-hasher.ts`: `{mode}` begins a part, `{bytes}` are its next bytes, and an empty message asks
 * for the checksum. Each is answered, so that no more than one is on its way.
 */
let hasher: PartHasher | undefined

addEventListener('message', async ({ data }: MessageEvent<Message>) => {
  if (data.mode !== undefined) hasher = await createWasmHasher(data.mode)
  else if (data.bytes !== undefined) hasher?.update(data.bytes)
  postMessage(data.mode === undefined && data.bytes === undefined ? hasher?.digest() : '')
})

interface Message {
  readonly mode?: HashMode
  readonly bytes?: Uint8Array
}
