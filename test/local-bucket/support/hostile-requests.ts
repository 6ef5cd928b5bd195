import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { ROUTES } from '../../../src/protocol/index.js'

/** What is sent as it is, whatever HTTP allows or not in its path and headers. */
export interface HostileRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export interface Victim {
  /** A valid credential of the attacker. */
  readonly token: string
  /** Of somebody else. */
  readonly uploadId: string
}

const POSTS = Object.values(ROUTES).filter(({ method }) => method === 'POST')
const GETS = Object.values(ROUTES).filter(({ method }) => method === 'GET')
const EVIL_NAMES = ['__proto__', 'constructor', 'prototype', 'toString', '', '\u0000', '$ne', 'a.b']

/** Any JSON, with numbers and names that parsers stumble on. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(
    null,
    -0,
    1e308,
    Number.MAX_SAFE_INTEGER,
    -1,
    0.1,
    '',
    '\u0000',
    '\ud800',
    [],
    {},
  ),
  fc.dictionary(fc.constantFrom(...EVIL_NAMES), fc.jsonValue({ maxDepth: 2 })),
  fc.string({ unit: 'binary', maxLength: 3_000 }),
)

const FIELDS = [
  ...['filename', 'size', 'chunk_size', 'digest', 'file_hash', 'fingerprint', 'content_type'],
  ...[
    'metadata',
    'checksum',
    'sign',
    'upload_id',
    'uploaded',
    'expected_hash',
    'parts',
    ...EVIL_NAMES,
  ],
]

/** A message that would be right, but for one field or two. */
function nearlyRight({ uploadId }: Victim): fc.Arbitrary<string> {
  const right = fc.constantFrom<Record<string, unknown>>(
    { filename: 'a.bin', size: 10, checksum: 'none', sign: 'all' },
    { filename: 'a.bin', size: 5_000_000_000_000, chunk_size: 5_242_880 },
    { upload_id: uploadId, uploaded: [{ index: 1, etag: 'e' }] },
    { upload_id: uploadId, sign: [{ index: 1, checksum: 'AAAA' }] },
    { upload_id: uploadId },
  )
  const wrong = fc.dictionary(fc.constantFrom(...FIELDS), anything, { minKeys: 1, maxKeys: 2 })
  return fc.tuple(right, wrong).map(([a, b]) => JSON.stringify({ ...a, ...b }))
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 4_000 }),
  fc
    .constantFrom('{', '[[[[', '{"a":', '"', 'nul', '1e999', '[1,]', '{"a":1}}')
    .map((text) => Buffer.from(text)),
  fc.integer({ min: 1, max: 60_000 }).map((depth) => Buffer.from('['.repeat(depth))),
  fc.integer({ min: 60_000, max: 80_000 }).map((size) => Buffer.alloc(size, 'a')),
)

const id = (victim: Victim) =>
  fc.oneof(
    fc.constant(victim.uploadId),
    fc
      .base64String({ minLength: 44, maxLength: 44 })
      .map((text) => text.slice(1).replace(/[+/=]/g, '_')),
    fc.string({ maxLength: 200 }),
  )

const JSON_TYPE = { 'Content-Type': 'application/json' }

function bearer(token: string) {
  return { Authorization: `Bearer ${token}` }
}

const credential = fc.oneof(
  fc.constant<Record<string, string>>({}),
  fc.base64String({ maxLength: 60 }).map(bearer),
  fc.constant(bearer('x'.repeat(9_000))),
  fc.base64String().map((text) => {
    const unsigned = `${btoa('{"alg":"none"}')}.${btoa(text)}`.replaceAll('=', '')
    return bearer(`${unsigned}.${createHmac('sha256', text).update(unsigned).digest('base64url')}`)
  }),
)

/** So many requests of every kind, in an order that `seed` gives. */
export function hostileRequests(count: number, victim: Victim, seed: number): HostileRequest[] {
  const known = bearer(victim.token)
  const post = fc.constantFrom(...POSTS)
  const posted = (body: fc.Arbitrary<string | Uint8Array>): fc.Arbitrary<HostileRequest> =>
    fc.tuple(post, body).map(([{ method, path }, content]) => ({
      method,
      path,
      headers: { ...known, ...JSON_TYPE },
      body: content,
    }))
  const asked = fc
    .tuple(
      fc.constantFrom(...GETS),
      fc.dictionary(fc.constantFrom(...FIELDS, 'state', 'limit', 'cursor'), fc.string()),
    )
    .map(([{ method, path }, query]) => ({
      method,
      path: `${path}?${new URLSearchParams(wellFormed(query))}`,
      headers: known,
    }))
  const forged = fc.tuple(id(victim), post).map(([uploadId, { method, path }]) => ({
    method,
    path,
    headers: { ...known, ...JSON_TYPE },
    body: JSON.stringify({ upload_id: uploadId }),
  }))
  const guessed = fc
    .tuple(credential, fc.constantFrom(...Object.values(ROUTES)))
    .map(([headers, { method, path }]) => ({ method, path, headers }))
  const odd = fc
    .record({
      method: fc.constantFrom(
        'PUT',
        'DELETE',
        'PATCH',
        'OPTIONS',
        'TRACE',
        'HEAD',
        'GET',
        'PROPFIND',
      ),
      path: fc.constantFrom(
        '/',
        '//',
        '/%',
        '/%00',
        '/../../etc/passwd',
        '/upload/init/',
        '/docs/..%2f',
        '/uploads?%',
        '*',
      ),
      headers: fc.constantFrom<Record<string, string>>(
        {},
        { 'Content-Encoding': 'gzip', ...JSON_TYPE },
        { Origin: 'null' },
        { 'X-Request-Id': 'a'.repeat(5_000) },
        { Host: 'evil.example' },
        { Expect: '200-maybe' },
      ),
    })
    .map((request) => ({ ...request, headers: { ...known, ...request.headers } }))
  const kinds: readonly [number, fc.Arbitrary<HostileRequest>][] = [
    [0.2, posted(nearlyRight(victim))],
    [0.15, posted(anything.map((value) => JSON.stringify(value) ?? ''))],
    [0.15, posted(bytes)],
    [0.15, asked],
    [0.15, forged],
    [0.15, guessed],
    [0.05, odd],
  ]
  const all = kinds.flatMap(([share, kind], i) =>
    fc.sample(kind, { numRuns: Math.ceil(count * share), seed: seed + i }),
  )
  return (
    fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), { numRuns: 1, seed })[0] ?? []
  )
}

function wellFormed(query: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, value.toWellFormed()]),
  )
}
