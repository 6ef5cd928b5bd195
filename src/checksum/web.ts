import type { HashMode } from './part-hasher.js'
import { sha256 } from './sha256.js'

/** The checksum of a part, in base64 as S3 has it, by what a browser offers. */
export async function hashBytes(mode: HashMode, bytes: Uint8Array): Promise<string> {
  if (mode === 'sha256') return sha256(bytes)
  const { wasmHash } = await import('./wasm.js')
  return wasmHash(mode, bytes)
}
