import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { toBase64 } from './base64.js'
import type { HashMode, PartHasher } from './part-hasher.js'

export type { HashMode, PartHasher } from './part-hasher.js'

/** A hasher of one part, by what Node has natively, else by `hash-wasm`. */
export async function createPartHasher(mode: HashMode): Promise<PartHasher> {
  switch (mode) {
    case 'sha256':
    case 'md5':
      return cryptoHasher(mode)
    case 'crc32':
      return crc32Hasher()
    default: {
      const { createWasmHasher } = await import('./wasm.js')
      return createWasmHasher(mode)
    }
  }
}

/** The checksum of a part, in base64 as S3 has it. */
export async function hashBytes(mode: HashMode, bytes: Uint8Array): Promise<string> {
  if (mode === 'crc32c' || mode === 'crc64nvme') {
    const { wasmHash } = await import('./wasm.js')
    return wasmHash(mode, bytes)
  }
  const hasher = await createPartHasher(mode)
  hasher.update(bytes)
  return hasher.digest()
}

function cryptoHasher(algorithm: 'sha256' | 'md5'): PartHasher {
  const hash = createHash(algorithm)
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest('base64'),
  }
}

function crc32Hasher(): PartHasher {
  let crc = 0
  return {
    update(bytes) {
      crc = crc32(bytes, crc)
    },
    digest() {
      const bytes = new Uint8Array(4)
      new DataView(bytes.buffer).setUint32(0, crc)
      return toBase64(bytes)
    },
  }
}
