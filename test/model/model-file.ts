import { createHash } from 'node:crypto'
import type { ChecksumMode, InitRequest, Layout } from '../../src/protocol/index.js'
import { partSize } from '../../src/protocol/index.js'
import { checksumOf, objectDigestOf } from '../helpers/memory-bucket-digest.js'

/** Bytes in every part but the last. */
export const CHUNK = 4

/** Which content of the file: that which it has, or that which it was changed to. */
export type Version = 'first' | 'changed'

export type HashKind = 'sha256' | 'md5'

/** A hash of the whole file, as its client says it. */
export type SaidHash = HashKind | `wrong ${HashKind}`

export interface FileSpec {
  readonly owner: string
  readonly filename: string
  readonly size: number
  readonly checksum: ChecksumMode
  /** Whether the client knows the object's digest before it begins. */
  readonly isDeclared?: boolean
  /** Files with the same content have the same bytes. @default its own */
  readonly content?: string
  /** The hash that the client gives at `init`. @default none */
  readonly hash?: SaidHash
  /** The content that `hash` is of. @default that of the file */
  readonly claims?: string
}

/** Each with a content of its own. */
export const FILES: readonly FileSpec[] = [
  { owner: 'ann', filename: 'sha.bin', size: 10, checksum: 'sha256' },
  { owner: 'ann', filename: 'crc.bin', size: 8, checksum: 'crc32c', isDeclared: true },
  { owner: 'ann', filename: 'none.bin', size: 9, checksum: 'none' },
  { owner: 'bob', filename: 'md5.bin', size: 10, checksum: 'md5' },
  { owner: 'bob', filename: 'declared.bin', size: 5, checksum: 'sha256', isDeclared: true },
  { owner: 'bob', filename: 'plain.bin', size: 7, checksum: 'none' },
  { owner: 'ann', filename: 'hashed.bin', size: 9, checksum: 'none', hash: 'sha256' },
  { owner: 'bob', filename: 'old-hash.bin', size: 10, checksum: 'md5', hash: 'md5' },
  { owner: 'bob', filename: 'wrong.bin', size: 7, checksum: 'crc32c', hash: 'wrong md5' },
]

const shared = { owner: 'ann', size: 10, content: 'shared' } as const
const rooted = { ...shared, checksum: 'sha256', isDeclared: true } as const

/** Of which one may be given the object of another, or must not. */
export const RELATED_FILES: readonly FileSpec[] = [
  { ...shared, filename: 'unnamed.bin', checksum: 'sha256' },
  { ...rooted, filename: 'one.bin' },
  { ...rooted, filename: 'other.bin', hash: 'sha256' },
  { ...rooted, filename: 'old.bin', hash: 'md5' },
  { ...rooted, filename: 'one.bin', hash: 'wrong sha256' },
  { ...rooted, filename: 'stranger.bin', owner: 'bob' },
  { ...shared, filename: 'read.bin', checksum: 'none', hash: 'sha256' },
  { ...shared, filename: 'strange-read.bin', checksum: 'crc32c', owner: 'bob', hash: 'sha256' },
  {
    ...shared,
    filename: 'claimed.bin',
    checksum: 'crc32c',
    content: 'unlike',
    hash: 'sha256',
    claims: 'shared',
  },
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

  /** The hash that the client gives at `init`. */
  get fileHash(): string | undefined {
    const { hash, claims } = this.spec
    return hash && this.hash(hash, claims)
  }

  /** Whether an object of this file's bytes has the hash that was given at `init`. */
  get isHonest(): boolean {
    const { fileHash } = this
    return fileHash === undefined || hasHash(this.bytes(), fileHash)
  }

  bytes(content = this.spec.content): Buffer {
    return Buffer.concat(this.indexes.map((index) => this.#part(index, 'first', content)))
  }

  part(index: number, version: Version): Buffer {
    return this.#part(index, version, this.spec.content)
  }

  checksum(index: number, version: Version): Promise<string | undefined> {
    return checksumOf(this.spec.checksum, this.part(index, version))
  }

  digest(): Promise<string | undefined> {
    const parts = this.indexes.map((index) => this.part(index, 'first'))
    return objectDigestOf(this.spec.checksum, parts)
  }

  hash(said: SaidHash, content?: string): string {
    const isMd5 = said.endsWith('md5')
    const hash = hashOf(isMd5 ? 'md5' : 'sha256', this.bytes(content))
    if (!said.startsWith('wrong')) return hash
    return hash.startsWith('a') ? `b${hash.slice(1)}` : `a${hash.slice(1)}`
  }

  async initRequest(): Promise<InitRequest> {
    const { filename, size, checksum, isDeclared = false } = this.spec
    const { fileHash } = this
    const digest = isDeclared ? await this.digest() : undefined
    const isUnknown = digest === undefined && fileHash === undefined
    return {
      filename,
      size,
      checksum,
      chunkSize: CHUNK,
      ...(digest === undefined ? {} : { digest }),
      ...(fileHash === undefined ? {} : { fileHash }),
      ...(isUnknown ? { fingerprint: filename } : {}),
    }
  }

  #part(index: number, version: Version, content = this.spec.filename): Buffer {
    const bytes = createHash('sha256').update(`${content} ${index} ${version}`).digest()
    return bytes.subarray(0, partSize(this.layout, index))
  }
}

export function kindOf(hash: string): HashKind {
  return hash.length === 64 ? 'sha256' : 'md5'
}

export function hashOf(kind: HashKind, bytes: Uint8Array): string {
  return createHash(kind).update(bytes).digest('hex')
}

export function hasHash(bytes: Uint8Array, hash: string): boolean {
  return hashOf(kindOf(hash), bytes) === hash
}
