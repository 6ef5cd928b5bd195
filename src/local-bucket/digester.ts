import { createPartHasher, type HashMode, type PartHasher } from '../checksum/node.js'

/** Hands bytes on, and has their digests when they have ended. */
export class Digester {
  readonly #modes: ReadonlySet<HashMode>
  readonly #digests = new Map<HashMode, string>()
  #size = 0

  constructor(modes: Iterable<HashMode>) {
    this.#modes = new Set(modes)
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size
  }

  async *pass(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const hashers = new Map<HashMode, PartHasher>()
    for (const mode of this.#modes) hashers.set(mode, await createPartHasher(mode))
    for await (const bytes of source) {
      for (const hasher of hashers.values()) hasher.update(bytes)
      this.#size += bytes.length
      yield bytes
    }
    for (const [mode, hasher] of hashers) this.#digests.set(mode, hasher.digest())
  }

  /** In base64. Throws before the end, and in a mode that was not asked for. */
  digest(mode: HashMode): string {
    const digest = this.#digests.get(mode)
    if (digest === undefined) throw new Error(`There is no ${mode} of the bytes`)
    return digest
  }

  /** The MD5 in hexadecimal, as ETags have it. */
  get etag(): string {
    return Buffer.from(this.digest('md5'), 'base64').toString('hex')
  }
}
