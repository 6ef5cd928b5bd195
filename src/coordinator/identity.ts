import { createHmac } from 'node:crypto'
import type { ChecksumMode } from '../protocol/index.js'

/** What makes two `init` calls mean the same upload. */
export interface Identity {
  readonly owner: string
  readonly filename: string
  readonly size: number
  readonly chunkSize: number
  readonly checksum: ChecksumMode
  /** What the client knows the content by. Without any of these, no two calls mean the same file. */
  readonly content: ContentIdentity
}

export interface ContentIdentity {
  readonly kind: 'digest' | 'file-hash' | 'digest-and-file-hash' | 'fingerprint'
  readonly value: string
}

/**
 * The stable `upload_id`: whoever knows the file finds the upload again, from any process or device,
 * and an owner's id says nothing about another's.
 */
export function stableUploadId(secret: string, identity: Identity): string {
  const { owner, filename, size, chunkSize, checksum, content } = identity
  const fields = [owner, filename, size, chunkSize, checksum, content.kind, content.value]
  return keyedHash(secret, ['partway upload 1', ...fields])
}

/** HMAC-SHA-256 in base64url. Each field is preceded by its length: no two lists have the same bytes. */
export function keyedHash(secret: string, fields: readonly (string | number)[]): string {
  const hmac = createHmac('sha256', secret)
  for (const field of fields) {
    const bytes = Buffer.from(String(field), 'utf8')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hmac.update(length).update(bytes)
  }
  return hmac.digest('base64url')
}

/**
 * The object's key. It is a function of the id, which spreads evenly over S3's partitions, and of the
 * cleaned name, so that the bucket alone can be asked what it holds of an upload.
 */
export function objectKey(prefix: string, id: string, filename: string): string {
  return `${prefix}${id}/${filename}`
}
