import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeMetadataValue } from '../../../src/protocol/index.js'

describe('a metadata value in a header', () => {
  it.each([
    ['plain text', 'a b, "c"; d=e', 'a b, "c"; d=e'],
    ['percent', '100%', '100%25'],
    ['what looks encoded', '%41', '%2541'],
    ['other scripts', 'Zürich', 'Z%C3%BCrich'],
    ['emoji', '🎉', '%F0%9F%8E%89'],
    ['spaces at the ends', '  a b  ', '%20 a b %20'],
    ['a space', ' ', '%20'],
    ['nothing', '', ''],
  ])('of %s', (_, value, encoded) => {
    expect(encodeMetadataValue(value)).toBe(encoded)
  })

  it('is printable ASCII that no HTTP parser trims, and decodes to what it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const encoded = encodeMetadataValue(value)
        expect(encoded).toMatch(/^[\x20-\x7e]*$/)
        expect(encoded.trim()).toBe(encoded)
        expect(decodeURIComponent(encoded)).toBe(value)
      }),
    )
  })
})
