import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attachment, storedType } from '../../../src/coordinator/stored-as.js'
import { cleanFilename } from '../../../src/protocol/index.js'

describe('the disposition of an object', () => {
  it.each([
    ['report.pdf', 'filename="report.pdf"; filename*=UTF-8\'\'report.pdf'],
    ['my report.pdf', 'filename="my report.pdf"; filename*=UTF-8\'\'my%20report.pdf'],
    ['Zürich 🎉.txt', 'filename="Z_rich _.txt"; filename*=UTF-8\'\'Z%C3%BCrich%20%F0%9F%8E%89.txt'],
    [
      'a"; filename="b.exe',
      'filename="a_; filename=_b.exe"; filename*=UTF-8\'\'a%22%3B%20filename%3D%22b.exe',
    ],
    ["it's (1)*.txt", "filename=\"it's (1)*.txt\"; filename*=UTF-8''it%27s%20%281%29%2A.txt"],
    ['100%41.txt', 'filename="100_41.txt"; filename*=UTF-8\'\'100%2541.txt'],
  ])('of %s', (name, rest) => {
    expect(attachment(name)).toBe(`attachment; ${rest}`)
  })

  it('is one header of ASCII that gives back every name that is taken', () => {
    const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(names, (given) => {
        const name = cleanFilename(given)
        if (name === undefined) return
        const header = attachment(name)
        const parts =
          /^attachment; filename="([\x20-\x7e]*)"; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)$/.exec(
            header,
          )
        expect(parts?.[1]).not.toMatch(/["\\%]/)
        expect(decodeURIComponent(parts?.[2] ?? '')).toBe(name)
      }),
    )
  })
})

describe('the type of an object', () => {
  const ACTIVE = [
    'text/html',
    'TEXT/HTML; charset=utf-8',
    'application/xhtml+xml',
    'image/svg+xml',
    'text/xml',
    'application/xml',
    'application/rss+xml',
    'text/javascript',
    'application/javascript',
    'application/x-javascript',
    'application/ecmascript',
    'text/jscript',
    'text/xsl',
    'multipart/x-mixed-replace',
    'application/x-shockwave-flash',
  ]

  it.each(ACTIVE)('%s, which a browser may run, is kept as no type at all', (type) => {
    expect(storedType(type)).toBe('application/octet-stream')
    expect(storedType(type, ['text/*', 'application/*', 'image/*'])).toBe(
      'application/octet-stream',
    )
  })

  it('is kept when the operator has named it in full', () => {
    expect(storedType('image/svg+xml', ['image/png', 'image/SVG+xml'])).toBe('image/svg+xml')
    expect(storedType('text/html; charset=utf-8', ['text/html'])).toBe('text/html; charset=utf-8')
  })

  it.each([
    'image/png',
    'text/plain',
    'text/csv',
    'application/json',
    'application/pdf',
    'video/mp4',
  ])('%s is kept', (type) => {
    expect(storedType(type)).toBe(type)
  })

  it('is none when none was given', () => {
    expect(storedType(undefined)).toBeUndefined()
  })
})
