import { createHmac, KeyObject } from 'node:crypto'
import fc from 'fast-check'
import {
  exportSPKI,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { JwtVerifier, type JwtVerifierOptions } from '../../../../src/server/auth/jwt-verifier.js'

const NOW = Date.parse('2026-05-01T12:00:00Z')
const clock = { now: () => NOW }
const nowSeconds = NOW / 1_000
const ISSUER = 'https://issuer.example'
const CLAIMS = { iss: ISSUER, aud: 'uploads', sub: 'ada', exp: nowSeconds + 60 }
const SECRET = Buffer.from('a shared secret of 32 bytes or more')

let rsa: GenerateKeyPairResult
let other: GenerateKeyPairResult
beforeAll(async () => {
  rsa = await generateKeyPair('RS256', { extractable: true })
  other = await generateKeyPair('RS256')
})

function verifier(options: Partial<JwtVerifierOptions> = {}): JwtVerifier {
  return new JwtVerifier({
    algorithms: ['RS256'],
    issuer: ISSUER,
    audiences: ['uploads'],
    ownerClaim: 'sub',
    keys: async () => rsa.publicKey,
    clock,
    ...options,
  })
}

interface Signing {
  readonly header?: Record<string, unknown>
  readonly key?: GenerateKeyPairResult['privateKey'] | KeyObject | Uint8Array
}

function signed(claims: JWTPayload = {}, { header, key = rsa.privateKey }: Signing = {}) {
  const payload: JWTPayload = { ...CLAIMS, ...claims }
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', ...header }).sign(key)
}

function unsigned(header: object, claims: object = CLAIMS): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.`
}

const refused = (reason: string) => ({ kind: 'refused', reason })

describe('a token', () => {
  it('that is in order names its owner', async () => {
    expect(await verifier().verify(await signed())).toEqual({
      kind: 'known',
      caller: { owner: 'ada' },
    })
  })

  it('may name several audiences', async () => {
    const outcome = await verifier().verify(await signed({ aud: ['mail', 'uploads'] }))
    expect(outcome.kind).toBe('known')
  })

  it.each([
    ['for another audience', { aud: 'mail' }],
    ['for no audience', { aud: undefined }],
    ['of another issuer', { iss: `${ISSUER}/` }],
    ['of no issuer', { iss: undefined }],
    ['that never expires', { exp: undefined }],
    ['that expires at a text', { exp: '2030' }],
    ['of nobody', { sub: undefined }],
    ['of a subject that is no text', { sub: 7 }],
    ['of an empty subject', { sub: '' }],
    ['of a subject of 257 bytes', { sub: `${'ü'.repeat(128)}x` }],
    ['that has expired', { exp: nowSeconds - 31 }],
    ['that is not good yet', { nbf: nowSeconds + 31 }],
  ] as const)('%s is refused', async (_, claims) => {
    expect(await verifier().verify(await signed(claims as JWTPayload))).toMatchObject({
      kind: 'refused',
    })
  })

  it('has 30 seconds of tolerance for a clock that is wrong', async () => {
    const claims = { exp: nowSeconds - 29, nbf: nowSeconds + 29 }
    expect((await verifier().verify(await signed(claims))).kind).toBe('known')
  })

  it('of 256 bytes of subject is the longest', async () => {
    const sub = 'ü'.repeat(128)
    expect(await verifier().verify(await signed({ sub }))).toEqual({
      kind: 'known',
      caller: { owner: sub },
    })
  })
})

describe('the signature', () => {
  it('of another key is refused', async () => {
    const token = await signed({}, { key: other.privateKey })
    expect(await verifier().verify(token)).toEqual(refused('ERR_JWS_SIGNATURE_VERIFICATION_FAILED'))
  })

  it.each(['none', 'None', 'nOnE'])('cannot be left out by alg %s', async (alg) => {
    expect((await verifier().verify(unsigned({ alg }))).kind).toBe('refused')
  })

  it('of HS256 made with the RSA public key is refused', async () => {
    const key = Buffer.from(await exportSPKI(rsa.publicKey))
    const token = await signed({}, { header: { alg: 'HS256' }, key })
    expect(await verifier().verify(token)).toEqual(refused('ERR_JOSE_ALG_NOT_ALLOWED'))
  })

  it('is not of a key that the token itself brings or points to', async () => {
    const asked: string[] = []
    const keys: JwtVerifierOptions['keys'] = async ({ kid }) => {
      asked.push(String(kid))
      return rsa.publicKey
    }
    const header = {
      kid: 'k1',
      jku: 'https://evil.example/keys',
      x5u: 'https://evil.example/cert',
      jwk: { kty: 'RSA', e: 'AQAB', n: 'AAAA' },
    }
    const token = await signed({}, { header, key: other.privateKey })
    expect((await verifier({ keys }).verify(token)).kind).toBe('refused')
    expect(asked).toEqual(['k1'])
  })

  it('by an algorithm that is not among the pinned ones is refused, though the key fits', async () => {
    const key = KeyObject.from(rsa.privateKey)
    const keys = async () => KeyObject.from(rsa.publicKey)
    const token = await signed({}, { header: { alg: 'PS256' }, key })
    expect((await verifier({ keys, algorithms: ['PS256'] }).verify(token)).kind).toBe('known')
    expect((await verifier({ keys }).verify(token)).kind).toBe('refused')
  })

  it('with an extension that is not understood is refused', async () => {
    const { privateKey } = rsa
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'RS256', crit: ['exp'], exp: 1 })
      .sign(privateKey, { crit: { exp: true } })
    expect((await verifier().verify(token)).kind).toBe('refused')
  })
})

describe('a shared secret', () => {
  const hs = (keys: readonly Uint8Array[]) => verifier({ algorithms: ['HS256'], keys })
  const header = { alg: 'HS256' }

  it('may be any of those that are set, so that it can be changed', async () => {
    const before = Buffer.from('the secret of before, 32 bytes or more')
    const token = await signed({}, { header, key: before })
    expect((await hs([SECRET, before]).verify(token)).kind).toBe('known')
    expect((await hs([before, SECRET]).verify(token)).kind).toBe('known')
    expect((await hs([SECRET]).verify(token)).kind).toBe('refused')
  })

  it('does not make an expired token good by trying another one', async () => {
    const token = await signed({ exp: nowSeconds - 60 }, { header, key: SECRET })
    expect(await hs([SECRET, SECRET]).verify(token)).toEqual(refused('ERR_JWT_EXPIRED'))
  })
})

describe('the owner', () => {
  const byEmail = () => verifier({ ownerClaim: 'email' })

  it('is the claim that is set', async () => {
    const outcome = await byEmail().verify(await signed({ email: 'ada@example.com' }))
    expect(outcome).toEqual({ kind: 'known', caller: { owner: 'ada@example.com' } })
  })

  it.each([undefined, '', 7, ['ada'], { a: 1 }, null, 'x'.repeat(257), 'a\u0000b'])(
    'is never made of %j',
    async (email) => {
      expect(await byEmail().verify(await signed({ email }))).toEqual(refused('NO_OWNER'))
    },
  )

  it('is never text that is not Unicode, of which two would be one owner to a store', async () => {
    const header = Buffer.from('{"alg":"HS256"}').toString('base64url')
    const claims = JSON.stringify({ ...CLAIMS, sub: 'SUB' }).replace('SUB', '\\ud800')
    const body = `${header}.${Buffer.from(claims).toString('base64url')}`
    const signature = createHmac('sha256', SECRET).update(body).digest('base64url')
    const hs256 = verifier({ algorithms: ['HS256'], keys: [SECRET] })
    expect(await hs256.verify(`${body}.${signature}`)).toEqual(refused('NO_OWNER'))
  })

  it('is never what every object inherits', async () => {
    const inherited = verifier({ ownerClaim: 'constructor' })
    expect(await inherited.verify(await signed())).toEqual(refused('NO_OWNER'))
  })
})

describe('limits', () => {
  const limited = () => verifier({ limitsClaim: 'uploads' })

  it('are those of the claim that is set', async () => {
    const uploads = { max_open_uploads: 3, max_file_size: 1_000, allowed_types: ['image/*'] }
    expect(await limited().verify(await signed({ uploads }))).toMatchObject({
      caller: { limits: { maxOpenUploads: 3, maxFileSize: 1_000, allowedTypes: ['image/*'] } },
    })
  })

  it('are the server’s own without the claim, and where none is looked at', async () => {
    const uploads = { max_open_uploads: 3 }
    const known = { kind: 'known', caller: { owner: 'ada' } }
    expect(await limited().verify(await signed())).toEqual(known)
    expect(await verifier().verify(await signed({ uploads }))).toEqual(known)
  })

  it.each([
    null,
    3,
    'none',
    [],
    { max_open_upload: 3 },
    { max_open_uploads: '3' },
    { max_open_uploads: -1 },
    { max_open_uploads: null },
    { max_stored_bytes: 1.5 },
    { max_file_size: 1e300 },
    { allowed_types: ['image'] },
    { allowed_extensions: 'jpg' },
    { min_part_size: 2, max_part_size: 1 },
  ])('that are not valid shut the caller out: %j', async (uploads) => {
    expect(await limited().verify(await signed({ uploads }))).toEqual(refused('BAD_LIMITS'))
  })
})

describe('the type', () => {
  it('must be the one that is set', async () => {
    const typed = verifier({ type: 'at+jwt' })
    expect((await typed.verify(await signed())).kind).toBe('refused')
    expect((await typed.verify(await signed({}, { header: { typ: 'JWT' } }))).kind).toBe('refused')
    expect((await typed.verify(await signed({}, { header: { typ: 'at+jwt' } }))).kind).toBe('known')
  })
})

/** What is signed, and the bytes of the signature. */
function meaningOf(token: string) {
  const [header, payload, signature = ''] = token.split('.')
  return [header, payload, Buffer.from(signature, 'base64url')]
}

describe('whatever else is sent', () => {
  it.each([
    '',
    '.',
    '..',
    'a.b.c',
    'eyJ.eyJ.eyJ',
    'e30.e30.',
    `${'a.'.repeat(4_000)}a`,
    unsigned({ alg: 'RS256', b64: false, crit: ['b64'] }),
    unsigned({ alg: ['RS256'] }),
    unsigned({ alg: 'RS256', kid: { a: 1 } }),
    unsigned({ alg: 'dir', enc: 'A256GCM' }),
    unsigned([]),
  ])('is refused, not a fault (%#)', async (token) => {
    expect((await verifier().verify(token)).kind).toBe('refused')
  })

  it('is refused, not a fault, when a good token was tampered with anywhere', async () => {
    const good = await signed()
    const change = fc.record({
      at: fc.nat(good.length - 1),
      drop: fc.nat(3),
      add: fc.string({ maxLength: 3, unit: 'binary-ascii' }),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ at, drop, add }) => {
        const token = good.slice(0, at) + add + good.slice(at + drop)
        const outcome = await verifier().verify(token)
        // The last letter of a signature has bits that mean nothing.
        if (outcome.kind === 'known') expect(meaningOf(token)).toEqual(meaningOf(good))
      }),
      { numRuns: 300 },
    )
  })
})
