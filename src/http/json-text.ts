/** No message of ours has more than three levels. */
const MAX_DEPTH = 16
/** Of names and of items: 10,000 parts that are reported and as many to sign have some 60,000. */
const MAX_COUNT = 100_000

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const [OPEN_ARRAY, CLOSE_ARRAY] = [0x5b, 0x5d]
const [OPEN_OBJECT, CLOSE_OBJECT] = [0x7b, 0x7d]

export type JsonOutcome =
  | { readonly kind: 'ok'; readonly value: unknown }
  | { readonly kind: 'malformed' | 'too-complex' | 'bad-name' }

interface Measures {
  /** Of the deepest nesting. */
  readonly depth: number
  /** Of all objects together. */
  readonly names: number
  readonly commas: number
}

/**
 * Parses JSON that anybody may have sent. What is nested deeply, or has a million items, is refused before it
 * is parsed, which takes half a second for 4 MiB of brackets. So is a name that an object has twice, of which
 * a proxy may have read the other one (RFC 8259 section 4), and `__proto__`, which schemas pass over.
 */
export function parseJson(bytes: Uint8Array): JsonOutcome {
  const { depth, names, commas } = measured(bytes)
  if (depth > MAX_DEPTH || names > MAX_COUNT || commas > MAX_COUNT) return { kind: 'too-complex' }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    return namesIn(value) === names ? { kind: 'ok', value } : { kind: 'bad-name' }
  } catch {
    return { kind: 'malformed' }
  }
}

/** Of text that may be no JSON at all; what it says of that means nothing. */
function measured(bytes: Uint8Array): Measures {
  const measures = { depth: 0, names: 0, commas: 0 }
  let level = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) i = endOfText(bytes, i + 1)
    else if (byte === COLON) measures.names += 1
    else if (byte === COMMA) measures.commas += 1
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      level += 1
      if (level > measures.depth) measures.depth = level
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) level -= 1
  }
  return measures
}

/** Where the quote is that ends a text, which begins at `start`. */
function endOfText(bytes: Uint8Array, start: number): number {
  let i = start
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1
  return i
}

/** All but `__proto__`; of two equal names in one object `JSON.parse` has kept one. */
function namesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + namesIn(item), 0)
  let names = 0
  for (const [name, item] of Object.entries(value)) {
    if (name !== '__proto__') names += 1 + namesIn(item)
  }
  return names
}
