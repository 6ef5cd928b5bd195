import type { HttpReply } from './ports.js'
import { isTransientStatus } from './retry.js'

/** What the bucket's answer to a part means for the part. */
export type PutOutcome =
  | { readonly kind: 'stored'; readonly etag: string }
  /** The URL is no longer good, or its credentials are not. A fresh one may be. */
  | { readonly kind: 'url-refused'; readonly reason: string }
  /** What arrived is not what the checksum was made of. */
  | { readonly kind: 'corrupt'; readonly reason: string }
  /** It is stored, and the page may not know as what. */
  | { readonly kind: 'etag-hidden' }
  /** The bucket has no such multipart upload. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'transient'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; MinIO has its own for checksums. */
const CORRUPT = new Set(['BadDigest', 'InvalidDigest', 'XAmzContentChecksumMismatch'])
const CREDENTIALS_ENDED = new Set(['ExpiredToken', 'TokenRefreshRequired'])
const TRANSIENT = new Set(['RequestTimeout', 'IncompleteBody', 'OperationAborted', 'SlowDown'])

export function putOutcome({ status, headers, body }: HttpReply, obeysCors: boolean): PutOutcome {
  const code = /<Code>(\w+)<\/Code>/.exec(body)?.[1] ?? ''
  const reason = code === '' ? `HTTP ${status}` : `HTTP ${status} ${code}`
  if (status >= 200 && status < 300) return stored(headers.etag, obeysCors)
  if (status === 404 && code === 'NoSuchUpload') return { kind: 'gone' }
  if (status === 403 || CREDENTIALS_ENDED.has(code)) return { kind: 'url-refused', reason }
  if (isTransientStatus(status) || TRANSIENT.has(code)) return { kind: 'transient', reason }
  if (CORRUPT.has(code)) return { kind: 'corrupt', reason }
  return { kind: 'refused', reason }
}

/**
 * Every S3 API answers a stored part with its ETag. Where headers are hidden from other origins it is not
 * to be seen unless the bucket exposes it; elsewhere, what answers without one is something in between.
 */
function stored(etag: string | undefined, obeysCors: boolean): PutOutcome {
  if (etag !== undefined && etag !== '') return { kind: 'stored', etag }
  if (obeysCors) return { kind: 'etag-hidden' }
  return {
    kind: 'transient',
    reason: 'an answer without ETag is not of the bucket',
  }
}
