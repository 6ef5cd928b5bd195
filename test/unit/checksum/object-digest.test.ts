import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { hashBytes } from '../../../src/checksum/node.js'
import { objectDigest } from '../../../src/checksum/object-digest.js'
import type { HashMode } from '../../../src/checksum/part-hasher.js'
import { hasObjectDigest, isObjectDigest } from '../../../src/protocol/index.js'
import { HASH_MODES } from './hash-paths.js'

async function partsOf(mode: HashMode, pieces: readonly Uint8Array[]) {
  return Promise.all(
    pieces.map(async (piece) => ({ checksum: await hashBytes(mode, piece), size: piece.length })),
  )
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('the composite root', () => {
  // printf abc and printf def, each through `openssl dgst -sha256 -binary`, together through it again
  const ABC = { checksum: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=', size: 3 }
  const DEF = { checksum: 'y4N5rCCYqhZQKeOTilHaC87PwAj9Z5X0AReGR/lsWzQ=', size: 3 }
  const ROOT = 'nATTAFe3VK8bLS1PVnV4LdYaWmWcNO5sKvR1JrZsr6Y=-2'

  it('is the SHA-256 of the digests with the number of parts', async () => {
    expect(await objectDigest('sha256', [ABC, DEF])).toBe(ROOT)
    expect(await objectDigest('sha256', [DEF, ABC])).not.toBe(ROOT)
    expect(await objectDigest('sha256', [ABC])).toMatch(/=-1$/)
  })

  it('is the same without WebCrypto', async () => {
    vi.stubGlobal('crypto', {})
    expect(await objectDigest('sha256', [ABC, DEF])).toBe(ROOT)
  })

  it('is what node:crypto gives for any parts', async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => {
        const whole = createHash('sha256')
        for (const part of parts) whole.update(createHash('sha256').update(part).digest())
        const expected = `${whole.digest('base64')}-${parts.length}`
        expect(await objectDigest('sha256', await partsOf('sha256', parts))).toBe(expected)
      }),
    )
  })

  it.each(['', 'AAAAAA==', 'not base64'])('refuses a part with %j', async (checksum) => {
    await expect(objectDigest('sha256', [{ checksum, size: 1 }])).rejects.toThrow()
  })
})

describe('the object digest', () => {
  it.each(HASH_MODES.filter(hasObjectDigest))('of %s is well formed on the wire', async (mode) => {
    const pieces = ['one', 'two', 'three'].map((piece) => Buffer.from(piece))
    const digest = await objectDigest(mode, await partsOf(mode, pieces))
    expect(isObjectDigest(mode, digest ?? '', pieces.length)).toBe(true)
  })

  it.each(['crc64nvme', 'crc32c', 'crc32'] as const)('of %s is that of all bytes', async (mode) => {
    const pieces = ['one', '', 'three'].map((piece) => Buffer.from(piece))
    const digest = await objectDigest(mode, await partsOf(mode, pieces))
    expect(digest).toBe(await hashBytes(mode, Buffer.concat(pieces)))
  })

  it.each(['md5', 'none'] as const)('of %s does not exist', async (mode) => {
    expect(await objectDigest(mode, [{ checksum: '', size: 1 }])).toBeUndefined()
  })
})
