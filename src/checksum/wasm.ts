import { createCRC32, createCRC64, createMD5, createSHA256, type IHasher } from 'hash-wasm'
import { toBase64 } from './base64.js'
import type { HashMode, PartHasher } from './part-hasher.js'

// The polynomials are in reflected form, lowest power in the highest bit.
const create: Record<HashMode, () => Promise<IHasher>> = {
  sha256: createSHA256,
  crc64nvme: () => createCRC64('9a6c9329ac4bc9b5'),
  crc32c: () => createCRC32(0x82f63b78),
  crc32: () => createCRC32(0xedb88320),
  md5: createMD5,
}

/** A hasher that runs wherever WebAssembly does. */
export async function createWasmHasher(mode: HashMode): Promise<PartHasher> {
  const hasher = await create[mode]()
  hasher.init()
  return {
    update: (bytes) => void hasher.update(bytes),
    digest: () => toBase64(hasher.digest('binary')),
  }
}

const shared = new Map<HashMode, IHasher>()

/** The checksum of `bytes`, in base64. */
export async function wasmHash(mode: HashMode, bytes: Uint8Array): Promise<string> {
  const hasher = shared.get(mode) ?? (await create[mode]())
  shared.set(mode, hasher)
  // Nothing is awaited from here on, so that concurrent calls can share the instance.
  return toBase64(hasher.init().update(bytes).digest('binary'))
}
