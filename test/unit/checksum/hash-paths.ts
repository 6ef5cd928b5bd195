import { createPartHasher, hashBytes as nodeHash } from '../../../src/checksum/node.js'
import type { HashMode } from '../../../src/checksum/part-hasher.js'
import { createWasmHasher, wasmHash } from '../../../src/checksum/wasm.js'
import { hashBytes as webHash } from '../../../src/checksum/web.js'

export const HASH_MODES: readonly HashMode[] = ['sha256', 'crc64nvme', 'crc32c', 'crc32', 'md5']

/** Every way in which a part's checksum can be computed. */
export const HASH_PATHS: Record<string, (mode: HashMode, bytes: Uint8Array) => Promise<string>> = {
  'node, at once': nodeHash,
  'node, piece by piece': async (mode, bytes) => inPieces(await createPartHasher(mode), bytes),
  'web, at once': webHash,
  'wasm, at once': wasmHash,
  'wasm, piece by piece': async (mode, bytes) => inPieces(await createWasmHasher(mode), bytes),
}

/** Also checks that a hasher keeps no hold of the bytes it was given: the buffer is reused. */
function inPieces(
  hasher: { update(bytes: Uint8Array): void; digest(): string },
  bytes: Uint8Array,
): string {
  const buffer = new Uint8Array(7)
  for (let at = 0; at < bytes.length; at += buffer.length) {
    const piece = bytes.subarray(at, at + buffer.length)
    buffer.set(piece)
    hasher.update(buffer.subarray(0, piece.length))
    buffer.fill(0xa5)
  }
  return hasher.digest()
}

export const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex')
export const base64 = (hexadecimal: string): string =>
  Buffer.from(hexadecimal, 'hex').toString('base64')
