import { describe, expect, it } from 'vitest'
import { isBucketName } from '../../../src/local-bucket/calls/buckets.js'
import { afterKey, afterPrefix } from '../../../src/local-bucket/calls/paging.js'
import { parsePath, parseQuery } from '../../../src/local-bucket/request.js'
import { parseXml, unescapeText, xmlDocument } from '../../../src/local-bucket/xml.js'

describe('names', () => {
  it.each([
    ['/', undefined, undefined],
    ['/bucket', 'bucket', undefined],
    ['/bucket/', 'bucket', undefined],
    ['/bucket/a/b', 'bucket', 'a/b'],
    ['/bucket//a/../b/', 'bucket', '/a/../b/'],
    ['/bucket/line\nbreak', 'bucket', 'line\nbreak'],
  ])('in the path %j are bucket %s and key %j', (path, bucket, key) => {
    expect(parsePath(path)).toEqual({ bucket, key })
  })

  it('have no zero byte, and 1,024 bytes at most', () => {
    expect(() => parsePath('/bucket/a\0b')).toThrow(/parse/)
    expect(() => parsePath(`/bucket/${'é'.repeat(513)}`)).toThrow(/too long/)
    expect(parsePath(`/bucket/${'é'.repeat(512)}`).key).toHaveLength(512)
  })

  it.each(['abc', 'a.b-c', '0-9', 'x'.repeat(63)])('%s may be a bucket', (name) => {
    expect(isBucketName(name)).toBe(true)
  })

  it.each(['ab', 'x'.repeat(64), 'Abc', 'a_b', '-ab', 'ab-', 'a..b', '10.0.0.1', 'a/b', '..'])(
    '%s may not',
    (name) => {
      expect(isBucketName(name)).toBe(false)
    },
  )

  it('in a query may have escapes, and values none or several signs', () => {
    expect(parseQuery('a=1&b&c=x%3Dy=z&d=a+b%2B')).toEqual([
      ['a', '1'],
      ['b', ''],
      ['c', 'x=y=z'],
      ['d', 'a b+'],
    ])
    expect(() => parseQuery('a=%ff')).toThrow(/parse/)
  })
})

describe('the place after', () => {
  const isBefore = (key: string, place: Uint8Array) => Buffer.compare(Buffer.from(key), place) < 0

  it.each([
    ['a', 'a\u{10ffff}\u{10ffff}', 'b'],
    ['a/', 'a/\u{10ffff}', 'a0'],
    ['é', 'éz', 'ê'],
    ['\uffff', '\uffff!', '\u{10000}'],
  ])('the prefix %j is after its key %j and not after %j', (prefix, its, other) => {
    expect(isBefore(its, afterPrefix(prefix))).toBe(true)
    expect(isBefore(other, afterPrefix(prefix))).toBe(false)
  })

  it('no prefix is after every key', () => {
    expect(isBefore('\u{10ffff}', afterPrefix(''))).toBe(true)
  })

  it('a key is before every other key that begins with it', () => {
    expect(isBefore('a', afterKey('a'))).toBe(true)
    expect(isBefore('a\u0001', afterKey('a'))).toBe(false)
  })
})

describe('XML', () => {
  it('gives every text back that was put in', () => {
    const text = ' a<b>&"c\'\r\n\t&amp; é 🏖️\u0001 '
    const parsed = parseXml(xmlDocument(['Root', [['Key', text]]]), 'Root')
    expect(parsed).toMatchObject({ Key: expect.any(String) })
    expect(unescapeText(String(Object(parsed).Key))).toBe(text)
  })

  it('resolves no entity but its own', () => {
    expect(unescapeText('&lt;&#65;&#x42;&eacute;&amp;lt;')).toBe('<AB&eacute;&lt;')
    const declared = '<!DOCTYPE r [<!ENTITY e "x">]><Root><Key>&e;</Key></Root>'
    expect(() => parseXml(declared, 'Root')).toThrow(/well-formed/)
  })

  it.each(['', 'text', '<Root>', '<Other/>', '<Root></Other>'])('%j is refused', (text) => {
    expect(() => parseXml(text, 'Root')).toThrow(/well-formed/)
  })
})
