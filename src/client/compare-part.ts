import type { ChecksumMode, UploadedPart } from '../protocol/index.js'
import type { LoadedPart } from './part-loader.js'

/**
 * Whether the bucket is known to hold the very bytes of `local`. What cannot be proven is `false`: then
 * the part is sent again, which costs time but no harm.
 *
 * Without a newer checksum the ETag of a part is the MD5 of its bytes, but not where the bucket
 * encrypts with keys of KMS or of the customer, or is no S3 of the usual kind
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html). An ETag that looks like an MD5 and
 * is none does not match, so it is safe to compare.
 */
export function bucketHolds(local: LoadedPart, remote: UploadedPart, mode: ChecksumMode): boolean {
  if (remote.size !== local.size) return false
  if (mode !== 'md5' && mode !== 'none') return remote.checksum === local.checksum
  const etag = remote.etag.replaceAll('"', '').toLowerCase()
  if (!/^[0-9a-f]{32}$/.test(etag)) return false
  return local.hash !== undefined && base64ToHex(local.hash) === etag
}

function base64ToHex(text: string): string {
  return Array.from(atob(text), (char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('')
}
