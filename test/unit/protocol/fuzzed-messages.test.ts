import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { parseMessage, parseReply, toWire } from '../../../src/protocol/index.js'
import { type Fold, fold, MESSAGES, REQUESTS } from './message-shapes.js'

/** What some field or other takes. */
const PLAUSIBLE = [
  ...[
    'holiday.mp4',
    'mB3kq0Zc1xT8uV5wYf7hJ2pLrN9sDgKa4eQoXi6tWbM',
    'image/png',
    'sha256',
    'uploading',
  ],
  ...[
    'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=',
    'd41d8cd98f00b204e9800998ecf8427e',
    'all',
    'true',
  ],
  ...[1, 2, 10_000, 10_001, 5_242_880, 2 ** 53 - 1, 2 ** 53, 0, -0, -1, 1.5, 1e308],
  ...[
    '',
    '__proto__',
    'constructor',
    '\u0000',
    '\ud800',
    '../..',
    '\u202e',
    '%00',
    '10',
    null,
    true,
  ],
]

const anything = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PLAUSIBLE) },
  { weight: 1, arbitrary: fc.jsonValue() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)
const oddKey = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'upload_id', 'uploadId'),
  fc.string(),
)

/** Messages that look like the schema, with values that may fit, and now and then a field that nobody knows. */
const LIKE: Fold<fc.Arbitrary<unknown>> = {
  object: (fields) =>
    fc
      .tuple(
        fc.record(Object.fromEntries(fields)),
        fc.option(fc.tuple(oddKey, anything), { freq: 6, nil: undefined }),
      )
      .map(([known, odd]) => {
        const present = Object.entries(known).filter(([, value]) => value !== undefined)
        // As JSON.parse does: `__proto__` is a field like any other.
        return JSON.parse(
          `{${[...present, ...(odd === undefined ? [] : [odd])]
            .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
            .join(',')}}`,
        ) as unknown
      }),
  list: (item) => fc.oneof({ weight: 9, arbitrary: fc.array(item, { maxLength: 4 }) }, anything),
  optional: (value) => fc.option(value, { nil: undefined }),
  map: () => fc.oneof(fc.dictionary(oddKey, anything, { maxKeys: 4 }), anything),
  leaf: (schema) => {
    const fit = PLAUSIBLE.filter((value) => z.safeParse(schema, value).success)
    if (fit.length === 0) return anything
    return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...fit) }, anything)
  },
}

const untouched = Object.getOwnPropertyNames(Object.prototype).sort()

describe.each(MESSAGES)('%s', (name, schema) => {
  it('takes or refuses whatever JSON there is, and says of what it refuses why', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fold(schema, LIKE)), (input) => {
        const parsed = parseMessage(schema, input)
        if (parsed.kind === 'invalid') {
          expect(parsed.errors.length).toBeGreaterThan(0)
          for (const { message } of parsed.errors) expect(message).not.toBe('')
        }
        expect(parseReply(schema, input).kind).toBe(parsed.kind)
        expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(untouched)
      }),
      { numRuns: 300 },
    )
  })

  it('means the same when it is written again as it was read', () => {
    let taken = 0
    fc.assert(
      fc.property(fold(schema, LIKE), (input) => {
        const parsed = parseMessage(schema, input)
        if (parsed.kind === 'invalid' || typeof parsed.value !== 'object') return
        taken++
        const again = parseMessage(schema, JSON.parse(JSON.stringify(toWire(parsed.value))))
        expect(again).toEqual(JSON.parse(JSON.stringify(parsed)))
      }),
      { numRuns: 1_000, seed: 1 },
    )
    if (REQUESTS.some(([request]) => request === name)) expect(taken, name).toBeGreaterThan(10)
  })
})
