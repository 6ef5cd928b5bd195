import { describe, expect, it } from 'vitest'
import {
  abortRequest,
  completeRequest,
  initRequest,
  listQuery,
  parseMessage,
  partsRequest,
  statusQuery,
} from '../../../src/protocol/index.js'
import { refusedFields } from './message-shapes.js'

const SHA256 = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='

const INIT = { filename: 'a.txt', size: 1 }
const PARTS = {
  upload_id: 'a',
  uploaded: [{ index: 1, etag: 'e' }],
  sign: [{ index: 1 }, { index: 2 }],
}
const COMPLETE = { upload_id: 'a', parts: [{ index: 1, etag: 'e' }] }

/** Values that no field of that kind may have; a missing one is written `undefined`. */
const NOT_COUNTS = [
  0,
  -1,
  1.5,
  '1',
  null,
  true,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  [],
  {},
]
const NOT_TEXTS = [1, null, true, [], {}, ['a']]
const NOT_NAMES = [
  '',
  'a\0b',
  'a\nb',
  'a\u007f',
  'a\u0085',
  'a\u202eb',
  'a\u200bb',
  '\ud800',
  'x'.repeat(1_025),
]
const NOT_IDS = [
  undefined,
  1,
  null,
  true,
  [],
  {},
  ['a'],
  '',
  ' ',
  'a b',
  'a/b',
  'a\n',
  'ä',
  'a=',
  '{a}',
  'x'.repeat(129),
]
const NOT_HASHES = [
  '',
  'a'.repeat(31),
  'a'.repeat(33),
  'a'.repeat(40),
  'a'.repeat(63),
  'a'.repeat(65),
  'g'.repeat(64),
  `${'a'.repeat(64)}\n`,
  SHA256,
]
const NOT_CHECKSUMS = [
  '',
  'AAAA',
  'AAAA_-==',
  'AAAAAA==\n',
  'AAA AAA=',
  'AAAAA===',
  `${SHA256}-`,
  `${SHA256}-0`,
  `${SHA256}-01`,
  `${SHA256}-100000`,
  `${SHA256}-1-1`,
  'A'.repeat(65),
]
const NOT_ETAGS = ['', '"', '""', '"a', 'a"', 'a"b', 'a b', 'a\n', 'ä', 'x'.repeat(131)]
const NOT_TYPES = [
  '',
  'text',
  'text/',
  '/plain',
  'text/plain;',
  'te xt/plain',
  'text/plain\n',
  'a/b; c',
  'a/b;c="',
]

const WRONG = [
  {
    name: 'init',
    schema: initRequest,
    message: INIT,
    fields: {
      size: [...NOT_COUNTS, undefined],
      chunk_size: NOT_COUNTS,
      filename: [...NOT_TEXTS, ...NOT_NAMES, undefined],
      digest: [...NOT_TEXTS, ...NOT_CHECKSUMS],
      file_hash: [...NOT_TEXTS, ...NOT_HASHES],
      fingerprint: [...NOT_TEXTS, ...NOT_NAMES],
      content_type: [...NOT_TEXTS, ...NOT_TYPES],
      checksum: [1, null, '', 'SHA256', 'sha1', 'toString'],
      sign: [0, -1, 10_001, 1.5, 'some', '', '1', 'ALL', null, true, []],
      metadata: [1, null, 'a', [], { 'partway-token': 'a' }],
    },
  },
  {
    name: 'parts',
    schema: partsRequest,
    message: PARTS,
    fields: {
      upload_id: NOT_IDS,
      sign: ['all', 1, null, {}],
      'sign.1': [1, null, 'a', []],
      'sign.1.index': [...NOT_COUNTS, 10_001, undefined],
      'sign.1.checksum': [...NOT_TEXTS, ...NOT_CHECKSUMS],
      uploaded: ['all', 1, null, {}],
      'uploaded.0': [1, null, 'a', []],
      'uploaded.0.index': [...NOT_COUNTS, 10_001, undefined],
      'uploaded.0.etag': [...NOT_TEXTS, ...NOT_ETAGS, undefined],
      'uploaded.0.checksum': [...NOT_TEXTS, ...NOT_CHECKSUMS],
    },
  },
  {
    name: 'complete',
    schema: completeRequest,
    message: COMPLETE,
    fields: {
      upload_id: NOT_IDS,
      digest: [...NOT_TEXTS, ...NOT_CHECKSUMS],
      parts: ['all', 1, null, {}],
      'parts.0.index': [...NOT_COUNTS, 10_001, undefined],
      'parts.0.etag': [...NOT_TEXTS, ...NOT_ETAGS, undefined],
      'parts.0.checksum': [...NOT_TEXTS, ...NOT_CHECKSUMS],
    },
  },
  {
    name: 'status',
    schema: statusQuery,
    message: { upload_id: 'a' },
    fields: { upload_id: NOT_IDS, reconcile: ['', '1', 'yes', true, ['true']] },
  },
  {
    name: 'abort',
    schema: abortRequest,
    message: { upload_id: 'a' },
    fields: { upload_id: NOT_IDS },
  },
  {
    name: 'list',
    schema: listQuery,
    message: {},
    fields: {
      state: ['', 'creating', 'done', ['completed']],
      limit: ['', '0', '101', '-1', '1e1', ' 1', '01', 5, ['5']],
      cursor: ['', 'a b', '{a}', 'x'.repeat(257), ['a']],
    },
  },
]

const CASES = WRONG.flatMap(({ fields, ...rest }) =>
  Object.entries<readonly unknown[]>(fields).map(([field, values]) => ({ ...rest, field, values })),
)

/** A copy of `message` with another value at `path`. */
function withValue(message: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path
  if (name === undefined) return value
  if (Array.isArray(message)) {
    return message.with(Number(name), withValue(message[Number(name)], rest, value))
  }
  const fields: Record<string, unknown> = { ...Object(message) }
  return { ...fields, [name]: withValue(fields[name], rest, value) }
}

describe('a message is refused, naming the field,', () => {
  it.each(CASES)('for a wrong $field of $name', ({ schema, message, field, values }) => {
    expect(parseMessage(schema, message).kind).toBe('ok')
    for (const value of values) {
      const parsed = parseMessage(schema, withValue(message, field.split('.'), value))
      expect(parsed.kind, JSON.stringify(value)).toBe('invalid')
      expect(new Set(refusedFields(parsed))).toEqual(new Set([field]))
    }
  })

  it('for each field that is not known, however deep', () => {
    const refused = (schema: Parameters<typeof parseMessage>[0], message: unknown) =>
      refusedFields(parseMessage(schema, message))
    expect(refused(initRequest, { ...INIT, chunkSize: 1, file_sha: 'a' })).toEqual([
      'chunkSize',
      'file_sha',
    ])
    expect(refused(partsRequest, withValue(PARTS, ['sign', '1', 'size'], 1))).toEqual([
      'sign.1.size',
    ])
    expect(refused(partsRequest, withValue(PARTS, ['uploaded', '0', 'ETag'], 'a'))).toEqual([
      'uploaded.0.ETag',
    ])
    expect(refused(listQuery, { page: '2' })).toEqual(['page'])
    expect(
      refused(initRequest, JSON.parse('{"filename":"a","size":1,"__proto__":{"x":1}}')),
    ).toEqual(['__proto__'])
  })

  it('for all of its wrong fields at once', () => {
    const parsed = parseMessage(initRequest, { filename: '', size: 0, checksum: 'x' })
    expect(refusedFields(parsed)).toEqual(['filename', 'size', 'checksum'])
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['text', '{}'],
    ['a number', 1],
  ])('or none when it is %s and no message at all', (_, message) => {
    expect(refusedFields(parseMessage(initRequest, message))).toEqual([''])
  })

  it('for more parts than an upload can have', () => {
    const sign = Array.from({ length: 10_001 }, () => ({ index: 1 }))
    expect(refusedFields(parseMessage(partsRequest, { upload_id: 'a', sign }))).toEqual(['sign'])
    const parts = sign.map((each) => ({ ...each, etag: 'a' }))
    expect(refusedFields(parseMessage(completeRequest, { upload_id: 'a', parts }))).toEqual([
      'parts',
    ])
  })

  it('but with no more errors than anybody reads', () => {
    const sign = Array.from({ length: 10_000 }, () => ({ index: 0 }))
    const refused = refusedFields(parseMessage(partsRequest, { upload_id: 'a', sign }))
    expect(refused).toHaveLength(20)
    expect(refused?.at(-1)).toBe('sign.19.index')
  })

  it('with a text for each error', () => {
    const parsed = parseMessage(initRequest, { filename: 1, size: '1', sign: 'some', x: 1 })
    expect(parsed).toMatchObject({
      errors: Array(4).fill({ message: expect.stringMatching(/\w/) }),
    })
  })
})
