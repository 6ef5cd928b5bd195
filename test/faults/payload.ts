import { objectDigest } from '../../src/checksum/object-digest.js'
import { type ChecksumMode, type Layout, MIB, partSize } from '../../src/protocol/index.js'
import { SampleFile } from '../helpers/sample-file.js'

/** The bytes of every case: with `chunkSize` three parts, the last of them small. */
export class Payload {
  readonly chunkSize = 5 * MIB
  readonly file: SampleFile
  readonly sha256: string
  readonly #checksums = new Map<string, Promise<string | undefined>>()

  constructor(parts = 3) {
    this.file = new SampleFile((parts - 1) * this.chunkSize + 12_345)
    this.sha256 = this.file.sha256
  }

  get layout(): Layout {
    const { size } = this.file
    return { size, chunkSize: this.chunkSize, totalChunks: Math.ceil(size / this.chunkSize) }
  }

  get indexes(): number[] {
    return Array.from({ length: this.layout.totalChunks }, (_, i) => i + 1)
  }

  part(index: number): Buffer {
    return this.file.part(this.layout, index)
  }

  /** Of one part; each is computed once, however many uploads there are. */
  checksum(index: number, mode: ChecksumMode): Promise<string | undefined> {
    const key = `${mode} ${index}`
    const known = this.#checksums.get(key) ?? this.file.checksum(this.layout, index, mode)
    this.#checksums.set(key, known)
    return known
  }

  /** What the whole object must have, in modes that have such a value. */
  async digest(mode: ChecksumMode): Promise<string | undefined> {
    const parts = this.indexes.map(async (index) => ({
      checksum: (await this.checksum(index, mode)) ?? '',
      size: partSize(this.layout, index),
    }))
    return objectDigest(mode, await Promise.all(parts))
  }
}
