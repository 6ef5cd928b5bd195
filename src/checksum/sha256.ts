import { toBase64 } from './base64.js'

/** What is used of WebCrypto: https://www.w3.org/TR/webcrypto-2/#SubtleCrypto-method-digest */
interface Digester {
  digest(algorithm: 'SHA-256', bytes: Uint8Array): Promise<ArrayBuffer>
}

/**
 * The SHA-256 of `bytes`, in base64. WebCrypto computes it off the calling thread; browsers offer that
 * in secure contexts only, so elsewhere `hash-wasm` is loaded.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { crypto }: { crypto?: { subtle?: Digester } } = globalThis
  if (crypto?.subtle) return toBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
  const { wasmHash } = await import('./wasm.js')
  return wasmHash('sha256', bytes)
}
