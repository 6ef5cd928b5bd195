import type { StoredObject } from '../protocol/index.js'
import type { Upload } from './session.js'

/** The hashes of a whole file that can be asked for. In hex, the length tells which one it is. */
export type HashAlgorithm = 'sha256' | 'md5'

const SHA256_DIGITS = 64

export function hashAlgorithm(hash: string): HashAlgorithm {
  return hash.length === SHA256_DIGITS ? 'sha256' : 'md5'
}

/** What of an upload says which hashes its object must have. */
export type Expecting = Pick<Upload, 'fileHash' | 'expectedHash'>

/**
 * Which of the hashes that the client gave the object is not known to have, because it was never read
 * for them, or has another. None of a client's hashes adds up from the checksums of the parts.
 */
export function unprovenHashes(upload: Expecting, object: StoredObject): readonly string[] {
  const expected = [upload.fileHash, upload.expectedHash].filter((hash) => hash !== undefined)
  return [...new Set(expected)].filter((hash) => object[hashAlgorithm(hash)] !== hash)
}

/** Two hashes of one kind that are not the same: nothing has both. */
export function contradicts(hash: string | undefined, other: string | undefined): boolean {
  if (hash === undefined || other === undefined) return false
  return hash !== other && hashAlgorithm(hash) === hashAlgorithm(other)
}
