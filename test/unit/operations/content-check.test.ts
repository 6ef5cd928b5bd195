import { describe, expect, it } from 'vitest'
import { checkContent } from '../../../src/operations/index.js'

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))
const padded = (text: string) => bytes(text.padEnd(600, '\0'))

/** What files of these types begin with. */
const BEGINNINGS = {
  'image/png': padded('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'),
  'image/jpeg': padded('\xff\xd8\xff\xe0\0\x10JFIF'),
  'image/gif': padded('GIF89a'),
  'image/webp': padded('RIFF\x24\0\0\0WEBPVP8 '),
  'image/bmp': padded('BM\x36\0\0\0'),
  'application/pdf': padded('%PDF-1.7\n'),
  'application/gzip': padded('\x1f\x8b\x08'),
  'application/x-cfb': padded('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'),
  'application/x-msdownload': padded('MZ\x90\0'),
  'application/x-elf': padded('\x7fELF\x02'),
  'video/mp4': padded('\0\0\0\x18ftypmp42'),
  'video/quicktime': padded('\0\0\0\x14ftypqt  '),
  'image/heic': padded('\0\0\0\x18ftypheic'),
  'video/webm': padded('\x1a\x45\xdf\xa3\x93\x42\x82\x84webm'),
  'audio/wav': padded('RIFF\x24\0\0\0WAVEfmt '),
  'audio/mpeg': padded('ID3\x03\0\0\0\0\0\0'),
  'application/zip': padded(
    'PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.txt',
  ),
} as const

type Known = keyof typeof BEGINNINGS

describe('the first bytes of a file', () => {
  it.each(Object.entries(BEGINNINGS))('fit %s', async (type, beginning) => {
    expect(await checkContent(type, beginning)).toBe(true)
  })

  it.each([
    ['image/jpg', 'image/jpeg'],
    ['audio/mp3', 'audio/mpeg'],
    ['audio/x-wav', 'audio/wav'],
    ['audio/mp4', 'video/mp4'],
    ['video/mp4', 'video/quicktime'],
    ['image/heif', 'image/heic'],
    ['video/x-matroska', 'video/webm'],
    ['application/x-zip-compressed', 'application/zip'],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'application/zip'],
    ['application/epub+zip', 'application/zip'],
    ['application/msword', 'application/x-cfb'],
    ['application/vnd.ms-excel', 'application/x-cfb'],
  ] as const)('fit %s where they are those of %s', async (type, like: Known) => {
    expect(await checkContent(type, BEGINNINGS[like])).toBe(true)
  })

  it.each([
    ['image/png', 'image/jpeg'],
    ['image/png', 'application/pdf'],
    ['image/jpeg', 'application/x-msdownload'],
    ['image/avif', 'video/mp4'],
    ['application/pdf', 'application/zip'],
    ['application/pdf', 'application/x-elf'],
    ['video/mp4', 'image/gif'],
    ['text/plain', 'application/x-msdownload'],
    ['text/csv', 'application/x-elf'],
    ['application/json', 'image/png'],
    ['image/svg+xml', 'application/gzip'],
    ['application/zip', 'application/x-msdownload'],
  ] as const)('of %s are not those of %s', async (type, like: Known) => {
    expect(await checkContent(type, BEGINNINGS[like])).toBe(false)
  })

  it.each([
    'image/png',
    'image/jpeg',
    'image/gif',
    'application/pdf',
    'video/mp4',
    'application/zip',
  ])('of %s are not those of a page or a script', async (type) => {
    for (const text of ['<!doctype html><script>1</script>', '<svg onload="1">', 'x', '\0\0\0']) {
      expect(await checkContent(type, bytes(text)), text).toBe(false)
    }
  })

  it.each(['text/plain', 'text/csv', 'application/json', 'text/html', 'image/svg+xml', 'text/xml'])(
    'of %s may be those of any text, also of one that begins as a picture does',
    async (type) => {
      const texts = [
        '',
        'a',
        'BMW,1\n',
        'MZ 1',
        '%!x',
        'GIF89a',
        '<?xml version="1.0"?>',
        '{"a":1}',
        'Grüße\t\r\n',
      ]
      for (const text of texts) {
        expect(await checkContent(type, Uint8Array.from(Buffer.from(text))), text).toBe(true)
      }
    },
  )

  it('say nothing against a type that says nothing, or that nobody knows', async () => {
    const types = [
      'application/octet-stream',
      'application/x-game',
      'application/vnd.acme.thing',
      'model/acme',
    ]
    for (const type of types) {
      for (const beginning of Object.values(BEGINNINGS)) {
        expect(await checkContent(type, beginning), type).toBe(true)
      }
    }
  })
})
