import { createHash, randomBytes } from 'node:crypto'
import { hashBytes } from '../../src/checksum/node.js'
import { type ChecksumMode, type Layout, partOffset, partSize } from '../../src/protocol/index.js'

/** Bytes that stand for a file, with what is to be known of them. */
export class SampleFile {
  readonly bytes: Buffer

  constructor(size: number) {
    this.bytes = randomBytes(size)
  }

  get size(): number {
    return this.bytes.length
  }

  get sha256(): string {
    return createHash('sha256').update(this.bytes).digest('hex')
  }

  get md5(): string {
    return createHash('md5').update(this.bytes).digest('hex')
  }

  part(layout: Layout, index: number): Buffer {
    const start = partOffset(layout, index)
    return this.bytes.subarray(start, start + partSize(layout, index))
  }

  async checksum(layout: Layout, index: number, mode: ChecksumMode): Promise<string | undefined> {
    return mode === 'none' ? undefined : await hashBytes(mode, this.part(layout, index))
  }
}
