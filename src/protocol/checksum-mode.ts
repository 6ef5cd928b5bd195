/**
 * How the bytes of an upload are proven (design: integrity). The mode is fixed when the upload is
 * created, because one multipart upload has one checksum algorithm.
 */
export const CHECKSUM_MODES = ['sha256', 'crc64nvme', 'crc32c', 'crc32', 'md5', 'none'] as const

export type ChecksumMode = (typeof CHECKSUM_MODES)[number]

/** Bytes of a part's checksum in each mode; `none` has none. */
export const CHECKSUM_BYTES: Record<ChecksumMode, number> = {
  sha256: 32,
  crc64nvme: 8,
  crc32c: 4,
  crc32: 4,
  md5: 16,
  none: 0,
}

/**
 * Whether S3 keeps a value for the whole object in this mode (a composite root for SHA-256, a
 * full-object CRC for the others), so that the bucket itself refuses a hole or a swap at completion.
 */
export function hasObjectDigest(mode: ChecksumMode): boolean {
  return mode !== 'md5' && mode !== 'none'
}

/**
 * Whether `value` is standard base64, with padding, of exactly `bytes` bytes in canonical form: the
 * only spelling that S3 accepts in `x-amz-checksum-*` and `Content-MD5`.
 */
export function isBase64OfLength(value: string, bytes: number): boolean {
  const length = Math.ceil(bytes / 3) * 4
  if (value.length !== length || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return false
  const padding = (3 - (bytes % 3)) % 3
  if (!value.endsWith('='.repeat(padding)) || value[length - padding - 1] === '=') return false
  // Canonical: the bits of the last character that carry no data are zero.
  const last = BASE64.indexOf(value[length - padding - 1] ?? '')
  return padding === 0 || last % (padding === 2 ? 16 : 4) === 0
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

export function isPartChecksum(mode: ChecksumMode, value: string): boolean {
  return mode !== 'none' && isBase64OfLength(value, CHECKSUM_BYTES[mode])
}

/**
 * Whether `value` is well formed as the object-level digest of `mode`: for `sha256` the composite root
 * with the number of parts (`<base64>-<n>`), for a CRC the base64 of the whole value.
 */
export function isObjectDigest(mode: ChecksumMode, value: string, totalChunks: number): boolean {
  if (!hasObjectDigest(mode)) return false
  if (mode !== 'sha256') return isBase64OfLength(value, CHECKSUM_BYTES[mode])
  const [root = '', count, ...rest] = value.split('-')
  return rest.length === 0 && count === String(totalChunks) && isBase64OfLength(root, 32)
}
