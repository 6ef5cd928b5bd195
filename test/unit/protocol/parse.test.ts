import { describe, expect, it } from 'vitest'
import {
  abortRequest,
  completeRequest,
  initRequest,
  listQuery,
  parseMessage,
  partsRequest,
  statusQuery,
  statusReply,
} from '../../../src/protocol/index.js'
import { refusedFields } from './message-shapes.js'

const SHA256 = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='
const FILE = { filename: 'a.txt', size: 1 }
describe('a complete message', () => {
  it('to init is taken, in camelCase', () => {
    const parsed = parseMessage(initRequest, {
      filename: 'folder/ä b.txt',
      size: 5_497_558_138_880,
      chunk_size: 8_388_608,
      digest: `${SHA256}-10000`,
      file_hash: 'd41d8cd98f00b204e9800998ecf8427e',
      fingerprint: 'name|size|2026-01-01',
      content_type: 'text/plain; charset=utf-8; title="a; b"',
      metadata: { 'a-b': 'ä "1"', x2: '' },
      checksum: 'sha256',
      sign: 10_000,
    })
    expect(parsed).toEqual({
      kind: 'ok',
      value: {
        filename: 'folder/ä b.txt',
        size: 5_497_558_138_880,
        chunkSize: 8_388_608,
        digest: `${SHA256}-10000`,
        fileHash: 'd41d8cd98f00b204e9800998ecf8427e',
        fingerprint: 'name|size|2026-01-01',
        contentType: 'text/plain; charset=utf-8; title="a; b"',
        metadata: { 'a-b': 'ä "1"', x2: '' },
        checksum: 'sha256',
        sign: 10_000,
      },
    })
  })

  it('to sign parts is taken with 10,000 parts', () => {
    const all = Array.from({ length: 10_000 }, (_, i) => ({ index: i + 1, checksum: SHA256 }))
    const uploaded = all.map((each) => ({ ...each, etag: '"d41d8cd98f00b204e9800998ecf8427e-1"' }))
    expect(parseMessage(partsRequest, { upload_id: 'a-_9', uploaded, sign: all })).toEqual({
      kind: 'ok',
      value: { uploadId: 'a-_9', uploaded, sign: all },
    })
  })

  it.each([
    ['init', initRequest, FILE],
    ['init with all URLs', initRequest, { ...FILE, sign: 'all' }],
    ['init with the largest whole number', initRequest, { ...FILE, size: Number.MAX_SAFE_INTEGER }],
    ['parts', partsRequest, { upload_id: 'a' }],
    ['status', statusQuery, { upload_id: 'a', reconcile: 'true' }],
    ['complete', completeRequest, { upload_id: 'a', digest: 'rosUhgp5iIg=' }],
    ['abort', abortRequest, { upload_id: 'a' }],
    ['list', listQuery, { state: 'uploading', cursor: 'a_-9', limit: '100' }],
    ['list of anything', listQuery, {}],
  ])('to %s is taken', (_, schema, message) => {
    expect(parseMessage(schema, message).kind).toBe('ok')
  })
})

describe('metadata', () => {
  const parse = (metadata: unknown) => parseMessage(initRequest, { ...FILE, metadata })

  it.each(['', 'A', 'a_b', 'a b', 'ä', 'a:b', 'a\n', 'x'.repeat(65)])(
    'cannot have the key %j',
    (key) => {
      expect(refusedFields(parse({ [key]: 'a' }))).toEqual([`metadata.${key}`])
    },
  )

  it.each([1, null, {}, ['a'], 'a\0', 'a\r\nb', '\u202e', 'x'.repeat(1_025)])(
    'cannot have the value %j',
    (value) => {
      expect(new Set(refusedFields(parse({ a: value })))).toEqual(new Set(['metadata.a']))
    },
  )

  it.each(['\ud800', 'a\udfff', `${'x'.repeat(2_000)}\ud83d`])(
    'with a lone surrogate is refused like any other wrong value (%#)',
    (value) => {
      expect(new Set(refusedFields(parse({ a: value, b: 'x' })))).toEqual(new Set(['metadata.a']))
    },
  )

  it('has at most 1,792 bytes of keys and values together, as they are sent', () => {
    const filled = (last: number) => ({ a: 'x'.repeat(1_000), bc: 'x'.repeat(last) })
    expect(parse(filled(1_792 - 1_003)).kind).toBe('ok')
    expect(refusedFields(parse(filled(1_792 - 1_002)))).toEqual(['metadata'])
    expect(parse({ a: '報'.repeat(199) }).kind).toBe('ok')
    expect(refusedFields(parse({ a: '報'.repeat(200) }))).toEqual(['metadata'])
  })

  it('does no harm with the names of Object', () => {
    expect(refusedFields(parse({ constructor: 'b' }))).toEqual(['metadata.constructor'])
    expect(refusedFields(parse({ prototype: 'b' }))).toEqual(['metadata.prototype'])
    const parsed = parse(JSON.parse('{"__proto__": "a", "valueof": "b"}'))
    expect(parsed).toMatchObject({ kind: 'ok', value: { metadata: { valueof: 'b' } } })
    expect({}).not.toHaveProperty('a')
  })
})

describe('a reply', () => {
  const REPLY = {
    upload_id: 'a',
    state: 'uploading',
    filename: 'a',
    size: 1,
    chunk_size: 1,
    total_chunks: 1,
    uploaded: [],
    checksum: 'none',
    expires_in: 1,
  }

  it('of a newer server is taken without the fields that are not known', () => {
    const parsed = parseMessage(statusReply, { ...REPLY, invented_later: 1 })
    expect(parsed.kind === 'ok' && Object.keys(parsed.value)).not.toContain('inventedLater')
    expect(parsed).toMatchObject({ kind: 'ok', value: { uploadId: 'a', totalChunks: 1 } })
  })

  it('that is none is refused', () => {
    expect(refusedFields(parseMessage(statusReply, { ...REPLY, total_chunks: '1' }))).toEqual([
      'total_chunks',
    ])
    expect(parseMessage(statusReply, '<html>').kind).toBe('invalid')
  })
})
