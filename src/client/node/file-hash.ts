import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

const READ_BYTES = 1024 * 1024

/**
 * The hash of a whole file, which is read from its beginning to its end while its parts are sent in any
 * order. What was read just now is mostly still in the memory of the system.
 */
export class FileHash {
  readonly #stop = new AbortController()
  readonly #hex: Promise<string>

  constructor(path: string, algorithm: 'sha256' | 'md5') {
    this.#hex = hashFile(path, algorithm, this.#stop.signal)
    // Whoever asks for it is told.
    this.#hex.catch(() => {})
  }

  hex(): Promise<string> {
    return this.#hex
  }

  stop(): void {
    this.#stop.abort()
  }
}

async function hashFile(path: string, algorithm: string, signal: AbortSignal): Promise<string> {
  const hash = createHash(algorithm)
  await pipeline(createReadStream(path, { highWaterMark: READ_BYTES }), hash, { signal })
  return hash.digest('hex')
}
