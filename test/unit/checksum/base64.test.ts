import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64, toBase64 } from '../../../src/checksum/base64.js'

describe('base64', () => {
  // RFC 4648, section 10
  it.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ])('writes %j as %j and reads it back', (plain, encoded) => {
    const bytes = new TextEncoder().encode(plain)
    expect(toBase64(bytes)).toBe(encoded)
    expect(fromBase64(encoded)).toEqual(bytes)
  })

  it('writes and reads any bytes as Buffer does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const encoded = Buffer.from(bytes).toString('base64')
        expect(toBase64(bytes)).toBe(encoded)
        expect(fromBase64(encoded)).toEqual(bytes)
      }),
    )
  })

  it.each(['_-8=', 'Zm9vY', 'Zg=a', '%'])('does not read %j', (encoded) => {
    expect(() => fromBase64(encoded)).toThrow()
  })
})
