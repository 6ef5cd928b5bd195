import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CHECKSUM_BYTES,
  CHECKSUM_MODES,
  hasObjectDigest,
  isBase64OfLength,
  isObjectDigest,
  isPartChecksum,
} from '../../../src/protocol/index.js'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Buffer reads leniently but writes canonically, so only canonical text survives the way there and back. */
function isCanonical(text: string, bytes: number): boolean {
  const decoded = Buffer.from(text, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === text
}

const encodedBytes = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString('base64'))

/** Base64 with one character replaced: most often in its alphabet but no longer canonical. */
const damaged = fc
  .tuple(encodedBytes, fc.nat(60), fc.constantFrom(...ALPHABET, '=', '-', '_', ' ', '\n'))
  .map(([text, at, other]) => text.slice(0, at) + other + text.slice(at + 1))

const lookalike = fc.string({ unit: fc.constantFrom(...ALPHABET, '='), maxLength: 48 })

describe('base64 of a given length', () => {
  it('is accepted exactly when it is canonical', () => {
    fc.assert(
      fc.property(fc.oneof(encodedBytes, damaged, lookalike, fc.string()), (text) => {
        for (const bytes of [0, 1, 2, 3, 4, 8, 16, 32, Buffer.from(text, 'base64').length]) {
          expect(isBase64OfLength(text, bytes)).toBe(isCanonical(text, bytes))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('is accepted with those last characters only that carry no more bits than there are', () => {
    for (const last of ALPHABET) {
      expect(isBase64OfLength(`AAAAA${last}==`, 4)).toBe(isCanonical(`AAAAA${last}==`, 4))
      expect(isBase64OfLength(`AAAAAA${last}=`, 5)).toBe(isCanonical(`AAAAAA${last}=`, 5))
    }
  })

  it.each([
    ['bits after the data', 'AAAAAB=='],
    ['no padding', 'AAAAAA'],
    ['too much padding', 'AAAAA==='],
    ['too little padding', 'AAAAAAA='],
    ['the alphabet of URLs', 'AAAA_w=='],
    ['a line break at the end', 'AAAAAA==\n'],
    ['a line break in place of a character', 'AAAAA\n=='],
    ['padding in the middle', 'AA==AAAA'],
    ['five bytes', 'AAAAAAA='],
  ])('with %s is not four bytes', (_, text) => {
    expect(isBase64OfLength(text, 4)).toBe(false)
    expect(isBase64OfLength('AAAAAA==', 4)).toBe(true)
  })
})

const of = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64')

describe('the checksum of a part', () => {
  it('has exactly as many bytes as its mode', () => {
    for (const mode of CHECKSUM_MODES) {
      for (const bytes of [0, 4, 8, 16, 20, 32, 64]) {
        const fits = mode !== 'none' && bytes === CHECKSUM_BYTES[mode]
        expect(isPartChecksum(mode, of(bytes))).toBe(fits)
      }
    }
  })

  it('does not exist in mode none', () => {
    expect(isPartChecksum('none', '')).toBe(false)
  })
})

describe('the digest of an object', () => {
  it('of sha256 is a root with the number of parts', () => {
    expect(isObjectDigest('sha256', `${of(32)}-3`, 3)).toBe(true)
    expect(isObjectDigest('sha256', `${of(32)}-10000`, 10_000)).toBe(true)
  })

  it.each([
    ['without the number', of(32)],
    ['with another number', `${of(32)}-4`],
    ['with the number written otherwise', `${of(32)}-03`],
    ['with two numbers', `${of(32)}-3-3`],
    ['with an empty number', `${of(32)}-`],
    ['of another length', `${of(16)}-3`],
    ['with no root', '-3'],
    ['that is empty', ''],
  ])('of sha256 is not a value %s', (_, value) => {
    expect(isObjectDigest('sha256', value, 3)).toBe(false)
  })

  it.each([
    ['crc64nvme', 8],
    ['crc32c', 4],
    ['crc32', 4],
  ] as const)('of %s is the plain value', (mode, bytes) => {
    expect(isObjectDigest(mode, of(bytes), 3)).toBe(true)
    expect(isObjectDigest(mode, `${of(bytes)}-3`, 3)).toBe(false)
    expect(isObjectDigest(mode, of(bytes + 1), 3)).toBe(false)
  })

  it('does not exist in the other modes', () => {
    const without = CHECKSUM_MODES.filter((mode) => !hasObjectDigest(mode))
    expect(without).toEqual(['md5', 'none'])
    for (const mode of without) {
      for (const value of ['', of(16), `${of(16)}-3`]) {
        expect(isObjectDigest(mode, value, 3)).toBe(false)
      }
    }
  })
})
