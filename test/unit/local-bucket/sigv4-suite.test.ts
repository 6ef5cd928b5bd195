import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { canonicalRequest } from '../../../src/local-bucket/sigv4/canonical-request.js'
import {
  parseCredential,
  sha256Hex,
  stringToSign,
} from '../../../src/local-bucket/sigv4/signature.js'
import { type Claim, prove } from '../../../src/local-bucket/sigv4/verify.js'
import { parseRaw, type RawRequest } from './raw-request.js'

const expectation = z.object({
  request: z.string(),
  canonicalRequest: z.string(),
  stringToSign: z.string(),
  signature: z.string(),
})
const suite = z
  .object({
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    cases: z.array(z.object({ name: z.string(), header: expectation, query: expectation })),
  })
  .parse(JSON.parse(readFileSync(new URL('aws-sigv4-suite.json', import.meta.url), 'utf8')))

const { accessKeyId, secretAccessKey } = suite
const verifier = {
  credentials: { accessKeyId, secretAccessKey },
  region: 'us-east-1',
  clock: { now: () => Date.UTC(2015, 7, 30, 12, 36) },
}

type Expectation = z.infer<typeof expectation>

/** The last line of the canonical request, which is checked against the body. */
function payloadHash({ canonicalRequest: text }: Expectation, { body }: RawRequest): string {
  const hash = text.split('\n').at(-1) ?? ''
  expect([sha256Hex(body), sha256Hex('')]).toContain(hash)
  return hash
}

function claimFrom(
  fields: ReadonlyMap<string, string>,
  rest: Pick<Claim, 'payloadHash' | 'query'>,
) {
  const credential = parseCredential(fields.get('Credential') ?? '')
  if (credential === undefined) throw new Error('the request has no credential')
  return {
    credential,
    time: fields.get('Date') ?? '',
    signedHeaders: (fields.get('SignedHeaders') ?? '').split(';'),
    signature: fields.get('Signature') ?? '',
    ...rest,
  }
}

function claimInHeader(expected: Expectation, request: RawRequest): Claim {
  const text = request.header('authorization')?.[0] ?? ''
  const fields = text.replace(/^\S+ /, '').split(', ')
  const pairs = fields.map((field) => field.split('=') as [string, string])
  const date = request.header('x-amz-date')?.[0] ?? ''
  const { query } = request
  return claimFrom(new Map([...pairs, ['Date', date]]), {
    query,
    payloadHash: payloadHash(expected, request),
  })
}

function claimInQuery(expected: Expectation, request: RawRequest): Claim {
  const fields = request.query.map(([name, value]) => [name.replace('X-Amz-', ''), value] as const)
  const query = request.query.filter(([name]) => name !== 'X-Amz-Signature')
  return claimFrom(new Map(fields), { query, payloadHash: payloadHash(expected, request) })
}

function expectAsPublished(expected: Expectation, claim: Claim, request: RawRequest): void {
  const canonical = canonicalRequest({ ...request, ...claim })
  expect(canonical).toBe(expected.canonicalRequest)
  const toSign = stringToSign(canonical, claim.time, claim.credential)
  expect(toSign).toBe(expected.stringToSign)
  expect(claim.signature).toBe(expected.signature)
  expect(prove(request, claim, verifier).signature).toBe(expected.signature)
}

function expectOthersRefused(claim: Claim, request: RawRequest): void {
  const end = claim.signature.endsWith('0') ? '1' : '0'
  const forged = { ...claim, signature: claim.signature.slice(0, -1) + end }
  expect(() => prove(request, forged, verifier)).toThrow(/signature/)
  const elsewhere = { ...request, path: `${request.path}x` }
  expect(() => prove(elsewhere, claim, verifier)).toThrow(/signature/)
}

describe("AWS's test suite of Signature Version 4", () => {
  it.each(suite.cases)('$name, signed in the header', ({ header }) => {
    const request = parseRaw(header.request)
    const claim = claimInHeader(header, request)
    expectAsPublished(header, claim, request)
    expectOthersRefused(claim, request)
  })

  it.each(suite.cases)('$name, signed in the query', ({ query }) => {
    const request = parseRaw(query.request)
    const claim = claimInQuery(query, request)
    expectAsPublished(query, claim, request)
    expectOthersRefused(claim, request)
  })
})
