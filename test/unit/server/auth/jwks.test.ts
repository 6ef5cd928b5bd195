import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Jwks, type JwksOptions } from '../../../../src/server/auth/jwks.js'
import { JwtVerifier } from '../../../../src/server/auth/jwt-verifier.js'
import { KeysUnavailable } from '../../../../src/server/auth/keys-unavailable.js'

/** An issuer that counts how often it is asked for its keys. */
let issuer: Server
let url: string
let asked: number
let answer: 'keys' | 'fault' | 'nonsense' | 'silence' | 'elsewhere'
let published: JWK[]

let k1: GenerateKeyPairResult
let k2: GenerateKeyPairResult
const jwkOf = async (pair: GenerateKeyPairResult, kid: string): Promise<JWK> => ({
  ...(await exportJWK(pair.publicKey)),
  ...{ kid, alg: 'ES256', use: 'sig' },
})

beforeAll(async () => {
  k1 = await generateKeyPair('ES256', { extractable: true })
  k2 = await generateKeyPair('ES256', { extractable: true })
})

beforeEach(async () => {
  asked = 0
  answer = 'keys'
  published = [await jwkOf(k1, 'k1')]
  issuer = createServer((_req, res) => {
    asked += 1
    if (answer === 'silence') return
    if (answer === 'fault') res.writeHead(500).end()
    else if (answer === 'nonsense') res.end('<html>')
    else if (answer === 'elsewhere') res.writeHead(302, { Location: '/other' }).end()
    else res.end(JSON.stringify({ keys: published }))
  })
  issuer.listen(0, '127.0.0.1')
  await once(issuer, 'listening')
  url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`
})
afterEach(() => {
  issuer.closeAllConnections()
  issuer.close()
})

let now = Date.now()
const clock = { now: () => now }

function verifierBy(options: Partial<JwksOptions> = {}): JwtVerifier {
  const jwks = new Jwks({ url, clock, ...options })
  return new JwtVerifier({
    algorithms: ['ES256'],
    issuer: 'i',
    audiences: ['a'],
    ownerClaim: 'sub',
    clock,
    keys: (header, token) => jwks.keyOf(header, token),
  })
}

const tokenOf = (pair: GenerateKeyPairResult, kid?: string) =>
  new SignJWT({ iss: 'i', aud: 'a', sub: 'ada', exp: now / 1_000 + 3_600 })
    .setProtectedHeader({ alg: 'ES256', ...(kid !== undefined && { kid }) })
    .sign(pair.privateKey)

describe('public keys', () => {
  it('are asked for once, and serve from then on', async () => {
    const verifier = verifierBy()
    const token = await tokenOf(k1, 'k1')
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)))
    expect(outcomes.every(({ kind }) => kind === 'known')).toBe(true)
    expect(asked).toBe(1)
  })

  it('are not asked for by a flood of unknown key ids', async () => {
    const verifier = verifierBy()
    await verifier.verify(await tokenOf(k1, 'k1'))
    for (let i = 0; i < 200; i++) {
      const outcome = await verifier.verify(await tokenOf(k2, `unknown-${i}`))
      expect(outcome.kind).toBe('refused')
    }
    expect(asked).toBe(1)
    now += 30_000
    for (let i = 0; i < 200; i++) await verifier.verify(await tokenOf(k2, `unknown-${i}`))
    expect(asked).toBe(2)
  })

  it('are asked for again when an issuer has a new one', async () => {
    const verifier = verifierBy()
    await verifier.verify(await tokenOf(k1, 'k1'))
    published = [await jwkOf(k1, 'k1'), await jwkOf(k2, 'k2')]
    const token = await tokenOf(k2, 'k2')
    expect((await verifier.verify(token)).kind).toBe('refused')
    now += 30_000
    expect((await verifier.verify(token)).kind).toBe('known')
    expect(asked).toBe(2)
  })

  it('that were withdrawn are forgotten when they are asked for anew', async () => {
    const verifier = verifierBy({ freshMs: 600_000 })
    const token = await tokenOf(k1, 'k1')
    expect((await verifier.verify(token)).kind).toBe('known')
    published = [await jwkOf(k2, 'k2')]
    now += 600_000
    await verifier.verify(token)
    await expect.poll(() => verifier.verify(token)).toMatchObject({ kind: 'refused' })
    expect(asked).toBe(2)
  })

  it('do not admit a token that names none of several', async () => {
    published = [await jwkOf(k1, 'k1'), await jwkOf(k2, 'k2')]
    expect((await verifierBy().verify(await tokenOf(k1))).kind).toBe('refused')
  })

  it('are never secret ones: an issuer cannot publish what to sign with', async () => {
    published = [{ kty: 'oct', k: Buffer.alloc(32).toString('base64url'), kid: 'k1' }]
    expect((await verifierBy().verify(await tokenOf(k1, 'k1'))).kind).toBe('refused')
  })
})

describe('an issuer that is away', () => {
  it.each(['fault', 'nonsense', 'elsewhere', 'silence'] as const)(
    'with %s is not taken for a bad token, and is not asked all the time',
    async (how) => {
      answer = how
      const verifier = verifierBy({ timeoutMs: 200 })
      const token = await tokenOf(k1, 'k1')
      for (let i = 0; i < 20; i++) {
        await expect(verifier.verify(token)).rejects.toThrow(KeysUnavailable)
      }
      expect(asked).toBe(1)
      answer = 'keys'
      now += 30_000
      expect((await verifier.verify(token)).kind).toBe('known')
    },
  )

  it('refuses what is no token of ours without being asked', async () => {
    answer = 'fault'
    expect((await verifierBy().verify('a.b.c')).kind).toBe('refused')
    expect(asked).toBe(0)
  })

  it('leaves the keys that are known in force, for a bounded time', async () => {
    const verifier = verifierBy({ coolDownMs: 0, freshMs: 0, keepMs: 300 })
    const token = await tokenOf(k1, 'k1')
    expect((await verifier.verify(token)).kind).toBe('known')
    answer = 'fault'
    expect((await verifier.verify(token)).kind).toBe('known')
    await delay(350)
    await expect(verifier.verify(token)).rejects.toThrow(KeysUnavailable)
  })
})
