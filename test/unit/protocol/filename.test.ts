import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanFilename } from '../../../src/protocol/index.js'

/** Spelt by number, because the point of these characters is that nobody sees them. */
const char = (codePoint: number) => String.fromCodePoint(codePoint)

describe('a cleaned file name', () => {
  it.each([
    ['a plain name', 'report.pdf', 'report.pdf'],
    ['a path', '/home/me/report.pdf', 'report.pdf'],
    ['a path that climbs', '../../../etc/passwd', 'passwd'],
    ['a Windows path', 'C:\\Users\\me\\report.pdf', 'report.pdf'],
    ['a Windows path that climbs', '..\\..\\boot.ini', 'boot.ini'],
    ['both manners mixed', 'a/b\\c/..\\d', 'd'],
    ['spaces around it', '  report.pdf \u3000', 'report.pdf'],
    ['spaces within it', 'my report.pdf', 'my report.pdf'],
    ['a leading dot', '.bashrc', '.bashrc'],
    ['three dots', '...', '...'],
    ['quotes and angle brackets', `"it's" <b>.txt`, `"it's" <b>.txt`],
    ['header and URL syntax', 'a;b="c"?d=e&f#g%2F..', 'a;b="c"?d=e&f#g%2F..'],
    ['percent-encoded separators', '..%2f..%2fpasswd', '..%2f..%2fpasswd'],
    ['emoji', 'party 🎉.png', 'party 🎉.png'],
    ['emoji joined into one', '👩‍💻.png', '👩‍💻.png'],
    ['other scripts', 'отчёт-報告-تقرير.pdf', 'отчёт-報告-تقرير.pdf'.normalize('NFC')],
    ['NFD', 'Zu\u0308rich.txt', 'Z\u00fcrich.txt'],
    ['a name of Object', '__proto__', '__proto__'],
  ])('of %s', (_, name, cleaned) => {
    expect(cleanFilename(name)).toBe(cleaned)
  })

  it('is one for both Unicode spellings of a name', () => {
    const name = 'Å\u0301ngström-ﬁ-한글.txt'
    expect(name.normalize('NFD')).not.toBe(name.normalize('NFC'))
    expect(cleanFilename(name.normalize('NFD'))).toBe(cleanFilename(name.normalize('NFC')))
  })

  it.each([
    ['nothing', ''],
    ['spaces', ' \u00a0\u3000'],
    ['a dot', '.'],
    ['two dots', '..'],
    ['two dots and a space', '.. '],
    ['a path that ends in two dots', 'a/..'],
    ['a path that ends in a slash', 'folder/'],
    ['a path that ends in a backslash', 'folder\\'],
    ['a slash', '/'],
  ])('does not exist for %s', (_, name) => {
    expect(cleanFilename(name)).toBeUndefined()
  })

  const control = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i)]
  const bidirectional = [
    0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069,
  ]
  const invisible = [0x200b, 0x2028, 0x2029, 0x2060, 0xfeff]
  const loneSurrogates = [0xd800, 0xdbff, 0xdc00, 0xdfff]

  it.each([...control, ...bidirectional, ...invisible, ...loneSurrogates])(
    'does not exist with the character %#: code %i, wherever it stands',
    (codePoint) => {
      const hidden = char(codePoint)
      for (const name of [
        `${hidden}a.txt`,
        `a${hidden}.txt`,
        `a.txt${hidden}`,
        `a${hidden}/b.txt`,
      ]) {
        expect(cleanFilename(name)).toBeUndefined()
      }
    },
  )

  it.each([
    ['one byte each', 'a', 255],
    ['two bytes each', 'é', 127],
    ['three bytes each', '報', 85],
    ['four bytes each', '🎉', 63],
  ])('has at most 255 bytes, of characters with %s', (_, character, fitting) => {
    expect(cleanFilename(character.repeat(fitting))).toBe(character.repeat(fitting))
    expect(cleanFilename(character.repeat(fitting + 1))).toBeUndefined()
  })

  it('counts the bytes of the last segment in NFC only', () => {
    const decomposed = 'e\u0301'.repeat(127)
    expect(Buffer.byteLength(decomposed)).toBeGreaterThan(255)
    expect(cleanFilename(`${'folder/'.repeat(100)}${decomposed}`)).toBe('é'.repeat(127))
  })

  it('is safe as one segment of a key, and cleaning it again changes nothing', () => {
    const units = fc.oneof(
      fc.constantFrom('/', '\\', '.', ' ', '\u0301', '\u202e', '\0', 'é'),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(units, { maxLength: 12 }), (pieces) => {
        const cleaned = cleanFilename(pieces.join(''))
        fc.pre(cleaned !== undefined)
        expect(cleaned).not.toMatch(/[\\/\p{Cc}]|^\.{0,2}$|^\s|\s$/u)
        expect(cleaned.normalize('NFC')).toBe(cleaned)
        expect(Buffer.byteLength(cleaned)).toBeLessThanOrEqual(255)
        expect(cleanFilename(cleaned)).toBe(cleaned)
      }),
      { numRuns: 1_000 },
    )
  })
})
