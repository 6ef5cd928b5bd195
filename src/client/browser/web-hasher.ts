import type { HashMode } from '../../checksum/part-hasher.js'
import { sha256 } from '../../checksum/sha256.js'
import type { Hasher } from '../ports.js'

/**
 * SHA-256 by WebCrypto. Where that is missing (insecure contexts), and in every other mode, what has to be
 * loaded for it.
 */
export class WebHasher implements Hasher {
  #other: Promise<Hasher> | undefined

  async hash(mode: HashMode, bytes: Uint8Array): Promise<string> {
    if (mode === 'sha256' && globalThis.crypto?.subtle !== undefined) return sha256(bytes)
    this.#other ??= import('./worker-hasher.js').then(({ WorkerHasher }) => new WorkerHasher())
    return (await this.#other).hash(mode, bytes)
  }
}
