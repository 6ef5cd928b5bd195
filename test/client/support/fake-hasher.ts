import { createHash } from 'node:crypto'
import type { Hasher } from '../../../src/client/ports.js'

/** Counts the bytes that it was given. */
export class FakeHasher implements Hasher {
  hashed = 0

  async hash(mode: string, bytes: Uint8Array): Promise<string> {
    this.hashed += bytes.length
    return createHash(mode).update(bytes).digest('base64')
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}

export function rootOf(checksums: readonly string[]): string {
  const digests = Buffer.concat(checksums.map((checksum) => Buffer.from(checksum, 'base64')))
  return `${sha256(digests)}-${checksums.length}`
}
