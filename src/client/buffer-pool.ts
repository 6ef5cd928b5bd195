import type { PartBuffer } from './ports.js'

/**
 * Buffers for parts, made when they are first asked for. As many exist as were ever in use at once, so
 * the memory of an upload is `concurrency × chunk size`, whatever the size of the file.
 */
export class BufferPool {
  /** Of each buffer. */
  readonly bytes: number
  readonly #free: Uint8Array[] = []

  constructor(bytes: number) {
    this.bytes = bytes
  }

  /** Lends a buffer to `work` until it settles. */
  async lend<T>(work: (buffer: PartBuffer) => Promise<T>): Promise<T> {
    let lent: Uint8Array | undefined
    const buffer = (moved?: Uint8Array) => {
      lent = moved ?? lent ?? this.#free.pop() ?? new Uint8Array(this.bytes)
      return lent
    }
    try {
      return await work(buffer)
    } finally {
      // One that was lost on the way is empty.
      if (lent?.length) this.#free.push(lent)
    }
  }
}
