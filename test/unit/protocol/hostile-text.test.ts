import { describe, expect, it } from 'vitest'
import { isBase64OfLength, isObjectDigest, parseMessage } from '../../../src/protocol/index.js'
import { type Fold, fold, MESSAGES, REQUESTS } from './message-shapes.js'

const MIB = 1024 * 1024
const upToMib = (unit: string) => unit.repeat(MIB / unit.length)

/** Each is meant to make a pattern that backtracks take for ever: long runs that fail at the very end. */
const HOSTILE: Record<string, string> = {
  letters: `${upToMib('a')}!`,
  digits: `${upToMib('0')}g`,
  spaces: `${upToMib(' ')}x`,
  quotes: `${upToMib('"')}\0`,
  padding: `${upToMib('A')}===`,
  'hyphens and digits': `AAAA${upToMib('-1')}-`,
  'parameters of a media type': `a/b${upToMib('; a=a')};`,
  'quoted parameters of a media type': `a/b${upToMib(';a="a"')};a="`,
  'spaces between parameters': `a/b;a=b${upToMib(' ;')}`,
  percents: `${upToMib('%')}é`,
  'lone surrogates': upToMib('\ud800'),
  emoji: upToMib('🎉'),
  'combining marks': `a${upToMib('\u0315\u0300')}`,
  slashes: upToMib('../'),
}

/** A message in which every field, of whatever type, is that text. */
const filledWith = (text: string): Fold<unknown> => ({
  object: (fields) => Object.fromEntries(fields),
  list: (item) => [item],
  optional: (value) => value,
  map: () => ({ a: text, [text]: 'a' }),
  leaf: () => text,
})

// Nothing is timed: a pattern that is not linear does not end within the runner's own limit.
describe.each(Object.entries(HOSTILE))('a megabyte of %s', (_, text) => {
  it.each(REQUESTS)('in every field of %s is refused', (_name, schema) => {
    expect(parseMessage(schema, fold(schema, filledWith(text))).kind).toBe('invalid')
  })

  it('in every field of any message is read to the end', () => {
    for (const [, schema] of MESSAGES) {
      expect(parseMessage(schema, fold(schema, filledWith(text))).kind).toMatch(/^(ok|invalid)$/)
    }
  })

  it('is no checksum', () => {
    expect(isBase64OfLength(text, 32)).toBe(false)
    expect(isBase64OfLength(text, (text.length / 4) * 3)).toBe(false)
    expect(isObjectDigest('sha256', text, 1)).toBe(false)
  })
})
