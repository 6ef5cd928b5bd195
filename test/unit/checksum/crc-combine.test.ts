import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CrcMode, combineCrcs } from '../../../src/checksum/crc-combine.js'
import { hashBytes } from '../../../src/checksum/node.js'
import { isCrcMode } from '../../../src/checksum/object-digest.js'
import { CHECKSUM_BYTES, CHECKSUM_MODES } from '../../../src/protocol/index.js'
import { base64 } from './hash-paths.js'

const CRC_MODES = CHECKSUM_MODES.filter(isCrcMode)
const GIB = 1024 ** 3

/** Any bits will do as the CRC of bytes of any length: the algebra asks nothing of them. */
const anyStretch = (mode: CrcMode) =>
  fc.record({
    checksum: fc
      .uint8Array({ minLength: CHECKSUM_BYTES[mode], maxLength: CHECKSUM_BYTES[mode] })
      .map((bytes) => Buffer.from(bytes).toString('base64')),
    size: fc.maxSafeNat().map((size) => Math.floor(size / 4)),
  })

async function stretchOf(mode: CrcMode, bytes: Uint8Array) {
  return { checksum: await hashBytes(mode, bytes), size: bytes.length }
}

/** The CRC of `size` zero bytes, by doubling from one byte. */
async function zeros(mode: CrcMode, size: number): Promise<{ checksum: string; size: number }> {
  if (size <= 1) return stretchOf(mode, new Uint8Array(size))
  const half = await zeros(mode, Math.floor(size / 2))
  const odd = await stretchOf(mode, new Uint8Array(size % 2))
  return { checksum: combineCrcs(mode, [half, half, odd]), size }
}

it('is known which modes are CRCs', () => {
  expect(CRC_MODES).toEqual(['crc64nvme', 'crc32c', 'crc32'])
  expect(isCrcMode('toString')).toBe(false)
})

describe.each(CRC_MODES)('the combined %s', (mode) => {
  it('of any parts, empty ones too, is that of the bytes together', async () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(parts, async (pieces) => {
        const stretches = await Promise.all(pieces.map((piece) => stretchOf(mode, piece)))
        expect(combineCrcs(mode, stretches)).toBe(await hashBytes(mode, Buffer.concat(pieces)))
      }),
    )
  })

  it('of no parts is that of nothing', async () => {
    expect(combineCrcs(mode, [])).toBe(await hashBytes(mode, new Uint8Array()))
  })

  it('does not depend on the order in which neighbours are joined, up to the largest sizes', () => {
    const stretch = anyStretch(mode)
    fc.assert(
      fc.property(stretch, stretch, stretch, (a, b, c) => {
        const ab = { checksum: combineCrcs(mode, [a, b]), size: a.size + b.size }
        const bc = { checksum: combineCrcs(mode, [b, c]), size: b.size + c.size }
        expect(combineCrcs(mode, [ab, c])).toBe(combineCrcs(mode, [a, bc]))
        expect(combineCrcs(mode, [a, b, c])).toBe(combineCrcs(mode, [a, bc]))
      }),
    )
  })

  it('of zeros beyond 2^32 bytes is the same by doubling as by one power', async () => {
    const sizes = fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER })
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(1_000_000), async (size, first) => {
        const split = [await zeros(mode, first), await zeros(mode, size - first)]
        expect(combineCrcs(mode, split)).toBe((await zeros(mode, size)).checksum)
      }),
      { numRuns: 20 },
    )
  })

  it('tells two swapped parts from the right order', async () => {
    const [a, b] = await Promise.all(
      ['part one', 'part two'].map((part) => stretchOf(mode, Buffer.from(part))),
    )
    if (!a || !b) throw new Error('unreachable')
    expect(combineCrcs(mode, [a, b])).not.toBe(combineCrcs(mode, [b, a]))
  })

  it.each(['', 'AAAAAAAAAAAAAAAAAAAAAA==', 'not base64'])('refuses a part with %j', (checksum) => {
    expect(() => combineCrcs(mode, [{ checksum, size: 1 }])).toThrow()
  })
})

// Computed once byte by byte, with zlib (crc32) and hash-wasm, over the 5 GiB themselves.
describe.each([
  ['crc32', '193838c3', '2d89a4b2'],
  ['crc32c', '2cc5f6d6', '46c8166c'],
  ['crc64nvme', 'ce36fe0285569d20', '74698f03689b9a52'],
] as const)('the combined %s of more than 4 GiB', (mode, ofZeros, ofCheckAndZeros) => {
  it('is that of 5 GiB of zeros from five parts', async () => {
    const gib = await zeros(mode, GIB)
    expect(combineCrcs(mode, [gib, gib, gib, gib, gib])).toBe(base64(ofZeros))
  })

  it('is that of a few bytes before one part of 5 GiB', async () => {
    const head = await stretchOf(mode, Buffer.from('123456789'))
    const tail = { checksum: base64(ofZeros), size: 5 * GIB }
    expect(combineCrcs(mode, [head, tail])).toBe(base64(ofCheckAndZeros))
  })
})
