import { createHash } from 'node:crypto'
import type { ChecksumMode, InitRequest, Layout } from '../../src/protocol/index.js'
import { partSize } from '../../src/protocol/index.js'
import { checksumOf, objectDigestOf } from '../helpers/memory-bucket-digest.js'

/** Bytes in every part but the last. */
export const CHUNK = 4

/** Which content of the file: that which it has, or that which it was changed to. */
export type Version = 'first' | 'changed'

export interface FileSpec {
  readonly owner: string
  readonly filename: string
  readonly size: number
  readonly checksum: ChecksumMode
  /** Whether the client knows the object's digest before it begins. */
  readonly isDeclared?: boolean
}

export const FILES: readonly FileSpec[] = [
  { owner: 'ann', filename: 'sha.bin', size: 10, checksum: 'sha256' },
  { owner: 'ann', filename: 'crc.bin', size: 8, checksum: 'crc32c', isDeclared: true },
  { owner: 'ann', filename: 'none.bin', size: 9, checksum: 'none' },
  { owner: 'bob', filename: 'md5.bin', size: 10, checksum: 'md5' },
  { owner: 'bob', filename: 'declared.bin', size: 5, checksum: 'sha256', isDeclared: true },
  { owner: 'bob', filename: 'plain.bin', size: 7, checksum: 'none' },
]

/** A file as its client knows it. */
export class ModelFile {
  readonly spec: FileSpec
  readonly layout: Layout

  constructor(spec: FileSpec) {
    this.spec = spec
    const { size } = spec
    this.layout = { size, chunkSize: CHUNK, totalChunks: Math.ceil(size / CHUNK) }
  }

  get indexes(): number[] {
    return Array.from({ length: this.layout.totalChunks }, (_, i) => i + 1)
  }

  part(index: number, version: Version): Buffer {
    const seed = `${this.spec.filename} ${index} ${version}`
    const bytes = createHash('sha256').update(seed).digest()
    return bytes.subarray(0, partSize(this.layout, index))
  }

  checksum(index: number, version: Version): Promise<string | undefined> {
    return checksumOf(this.spec.checksum, this.part(index, version))
  }

  digest(): Promise<string | undefined> {
    const parts = this.indexes.map((index) => this.part(index, 'first'))
    return objectDigestOf(this.spec.checksum, parts)
  }

  async initRequest(): Promise<InitRequest> {
    const { filename, size, checksum, isDeclared = false } = this.spec
    const digest = isDeclared ? await this.digest() : undefined
    const content = digest === undefined ? { fingerprint: filename } : { digest }
    return { filename, size, checksum, chunkSize: CHUNK, ...content }
  }
}
