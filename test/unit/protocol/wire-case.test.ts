import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toCamel, toWire } from '../../../src/protocol/index.js'
import { type Fold, fold, MESSAGES } from './message-shapes.js'

const anyMessage: Fold<fc.Arbitrary<unknown>> = {
  object: (fields) => fc.record(Object.fromEntries(fields)),
  list: (item) => fc.array(item, { maxLength: 3 }),
  optional: (value) => fc.option(value, { nil: undefined }),
  map: () => fc.dictionary(fc.string(), fc.string()),
  leaf: () => fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
}

const namesOf: Fold<readonly string[]> = {
  object: (fields) => [...fields].flatMap(([name, inner]) => [name, ...inner]),
  list: (item) => item,
  optional: (value) => value,
  map: () => [],
  leaf: () => [],
}

function keysIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysIn)
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'metadata' || name === 'headers' ? [name] : [name, ...keysIn(inner)],
  )
}

describe.each(MESSAGES)('%s', (_, schema) => {
  it('has only snake_case names, and they come back from camelCase', () => {
    for (const name of fold(schema, namesOf)) {
      // A word may end in digits, not begin with one: `a_1` and `a1` would be one name in camelCase.
      expect(name).toMatch(/^[a-z]+[0-9]*(_[a-z]+[0-9]*)*$/)
      const camel = toCamel({ [name]: 1 })
      expect(Object.keys(camel)).toEqual([expect.stringMatching(/^[a-zA-Z0-9]+$/)])
      expect(toWire(camel)).toEqual({ [name]: 1 })
    }
  })

  it('is the same after the way to camelCase and back', () => {
    fc.assert(
      fc.property(fold(schema, anyMessage), (message) => {
        const camel = toCamel(message)
        expect(keysIn(camel).filter((name) => name.includes('_'))).toEqual([])
        expect(toWire(camel)).toEqual(message)
      }),
    )
  })
})

describe('names between the wire and TypeScript', () => {
  it('change at every depth', () => {
    expect(
      toCamel({ upload_id: 'a', parts: [{ expires_in: 1, inner: { file_hash: 'b' } }] }),
    ).toEqual({
      uploadId: 'a',
      parts: [{ expiresIn: 1, inner: { fileHash: 'b' } }],
    })
    expect(toCamel({ retry_after_ms: 1 })).toEqual({ retryAfterMs: 1 })
  })

  it('stay as they are below metadata and headers', () => {
    const message = {
      metadata: { 'a-b': '1', x_y: '2', camelCase: '3' },
      parts: [{ headers: { x_y: '1', 'x-amz-checksum-sha256': '2', camelCase: '3' } }],
    }
    expect(toCamel(message)).toEqual(message)
    expect(toWire(message)).toEqual(message)
  })

  it('do not change in values', () => {
    expect(toCamel({ filename: 'my_file', list: ['a_b'] })).toEqual({
      filename: 'my_file',
      list: ['a_b'],
    })
  })

  it('are left out where the value is undefined, and kept where it is null', () => {
    const wire: { file_hash?: string | undefined; content_type: null } = {
      file_hash: undefined,
      content_type: null,
    }
    expect(Object.keys(toCamel(wire))).toEqual(['contentType'])
    const camel: object = { fileHash: undefined, contentType: null }
    expect(Object.keys(toWire(camel))).toEqual(['content_type'])
  })

  it.each([
    ['toCamel', (value: object): object => toCamel(value)],
    ['toWire', (value: object): object => toWire(value)],
  ])('%s does no harm with __proto__', (_, rename) => {
    const hostile: object = JSON.parse('{"__proto__": {"admin": true}, "a": {"__proto__": [1]}}')
    const renamed = rename(hostile)
    expect(Object.getPrototypeOf(renamed)).toBe(Object.prototype)
    expect(renamed).not.toHaveProperty('admin')
    expect(renamed).toEqual({ a: {} })
    expect({}).not.toHaveProperty('admin')
  })
})
