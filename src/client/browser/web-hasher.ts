import type { HashMode } from '../../checksum/part-hasher.js'
import { sha256 } from '../../checksum/sha256.js'
import { MIB } from '../../protocol/index.js'
import type { Hasher } from '../ports.js'
import { HashThread } from './hash-thread.js'

/** What is smaller is hashed sooner than it is handed over. */
const WORTHWHILE = MIB

/**
 * SHA-256 by WebCrypto; where that is missing (insecure contexts), and in every other mode, by `hash-wasm`, which is
 * loaded for it. Pieces of a file are read and hashed by a worker: Chromium's WebCrypto keeps the thread that asks it.
 */
export class WebHasher implements Hasher {
  #thread: HashThread | undefined

  async hash(mode: HashMode, bytes: Uint8Array): Promise<string> {
    if (isByWebCrypto(mode)) return sha256(bytes)
    const { createWasmHasher } = await import('../../checksum/wasm.js')
    const hasher = await createWasmHasher(mode)
    for (let at = 0; at < bytes.length; at += MIB) {
      hasher.update(bytes.subarray(at, at + MIB))
      await new Promise((turn) => setTimeout(turn))
    }
    return hasher.digest()
  }

  async hashPiece(mode: HashMode, piece: Blob): Promise<string | undefined> {
    if (piece.size < WORTHWHILE) return undefined
    this.#thread ??= new HashThread()
    if (isByWebCrypto(mode) && !this.#thread.isRunning) return undefined
    return this.#thread.hash(mode, piece)
  }
}

function isByWebCrypto(mode: HashMode): boolean {
  return mode === 'sha256' && globalThis.crypto?.subtle !== undefined
}
