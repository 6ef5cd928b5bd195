import type { ChecksumMode } from '../protocol/index.js'
import { fromBase64 } from './base64.js'
import type { CrcMode, Stretch } from './crc-combine.js'
import { sha256 } from './sha256.js'

/**
 * The object-level value that the bucket compares at completion, from the checksums (base64) of all parts
 * in order: for `sha256` the composite root `base64(SHA-256(digest₁ ‖ … ‖ digestₙ))-n`, for a CRC that of
 * the whole object. `undefined` in modes that have neither.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export async function objectDigest(
  mode: ChecksumMode,
  parts: readonly Stretch[],
): Promise<string | undefined> {
  if (isCrcMode(mode)) {
    const { combineCrcs } = await import('./crc-combine.js')
    return combineCrcs(mode, parts)
  }
  if (mode === 'sha256') return compositeRoot(parts)
  return undefined
}

export function isCrcMode(mode: string): mode is CrcMode {
  return mode.startsWith('crc')
}

const SHA256_BYTES = 32

async function compositeRoot(parts: readonly Stretch[]): Promise<string> {
  const digests = new Uint8Array(parts.length * SHA256_BYTES)
  for (const [i, { checksum }] of parts.entries()) {
    const digest = fromBase64(checksum)
    if (digest.length !== SHA256_BYTES) throw new RangeError(`Not a SHA-256: ${checksum}`)
    digests.set(digest, i * SHA256_BYTES)
  }
  return `${await sha256(digests)}-${parts.length}`
}
