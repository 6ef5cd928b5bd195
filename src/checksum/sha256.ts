import { toBase64 } from './base64.js'

/**
 * The SHA-256 of `bytes`, in base64. WebCrypto may compute it on another thread (Chromium 156 does not: 8 MiB
 * take some 10 ms of the caller's). Browsers offer it in secure contexts only, so elsewhere `hash-wasm` is loaded.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { crypto }: { readonly crypto?: Partial<Crypto> } = globalThis
  if (crypto?.subtle !== undefined) {
    // WebCrypto takes no shared memory, which nobody has here.
    const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
    return toBase64(new Uint8Array(digest))
  }
  const { wasmHash } = await import('./wasm.js')
  return wasmHash('sha256', bytes)
}
