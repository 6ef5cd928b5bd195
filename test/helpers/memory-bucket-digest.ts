import { createHash } from 'node:crypto'
import { crc32, crc64 } from 'hash-wasm'
import type { ChecksumMode } from '../../src/protocol/index.js'

/**
 * The checksums of S3, each from the bytes alone. On purpose without our own `checksum` room: what is
 * tested against a bucket that uses these is not tested against itself.
 */
export async function checksumOf(
  mode: ChecksumMode,
  bytes: Uint8Array,
): Promise<string | undefined> {
  switch (mode) {
    case 'sha256':
    case 'md5':
      return createHash(mode).update(bytes).digest('base64')
    case 'crc32':
      return fromHex(await crc32(bytes))
    case 'crc32c':
      return fromHex(await crc32(bytes, 0x82f63b78))
    case 'crc64nvme':
      return fromHex(await crc64(bytes, '9a6c9329ac4bc9b5'))
    case 'none':
      return undefined
  }
}

/** The value that a bucket keeps for an object made of `parts`. */
export async function objectDigestOf(
  mode: ChecksumMode,
  parts: readonly Uint8Array[],
): Promise<string | undefined> {
  if (mode === 'none' || mode === 'md5') return undefined
  if (mode !== 'sha256') return checksumOf(mode, Buffer.concat(parts))
  const root = createHash('sha256')
  for (const part of parts) root.update(createHash('sha256').update(part).digest())
  return `${root.digest('base64')}-${parts.length}`
}

/** The ETag of an object that was made of `parts`, as S3 computes it; without quotes. */
export function objectEtagOf(parts: readonly Uint8Array[]): string {
  const whole = createHash('md5')
  for (const part of parts) whole.update(createHash('md5').update(part).digest())
  return `${whole.digest('hex')}-${parts.length}`
}

function fromHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}
