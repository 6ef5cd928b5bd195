import { describe, expect, it } from 'vitest'
import { configOf, problemsOf, SECRET } from './config-of.js'

describe('a server without authentication', () => {
  it.each(['127.0.0.1', '127.8.0.1', '::1', '[::1]', 'localhost'])('may listen on %s', (host) => {
    expect(problemsOf({ PARTWAY_HOST: host })).toEqual([])
  })

  it.each(['0.0.0.0', '::', '10.0.0.1', 'uploads.example.com', '127.0.0.1.evil.test'])(
    'may not listen on %s unless that is said to be meant',
    (host) => {
      expect(problemsOf({ PARTWAY_HOST: host }).join()).toContain('PARTWAY_ALLOW_ANONYMOUS')
      expect(problemsOf({ PARTWAY_HOST: host, PARTWAY_ALLOW_ANONYMOUS: 'true' })).toEqual([])
    },
  )
})

describe('the secret', () => {
  it('may be a list, by commas or lines', () => {
    const secrets = ['a', 'b', 'c'].map((letter) => letter.repeat(32))
    const [a, b, c] = secrets
    expect(configOf({ PARTWAY_SECRET: `${a}, ${b}\n${c}\n` }).secrets).toEqual(secrets)
  })

  it('may have no short one among its items', () => {
    expect(problemsOf({ PARTWAY_SECRET: `${SECRET},marked` })).toEqual([
      'PARTWAY_SECRET must have at least 32 bytes in each of its items, which commas or lines separate, but has 6',
    ])
  })
})

describe('a server with tokens', () => {
  it('may listen anywhere', () => {
    const env = { PARTWAY_AUTH: 'token', PARTWAY_TOKENS_FILE: '/tokens', PARTWAY_HOST: '0.0.0.0' }
    expect(configOf(env).auth).toEqual({ kind: 'token', file: '/tokens' })
  })

  it('needs to know where they are', () => {
    const problems = problemsOf({ PARTWAY_AUTH: 'token' })
    expect(problems).toEqual(['PARTWAY_TOKENS_FILE is required: the file of tokens'])
  })
})

describe('a server with JSON Web Tokens', () => {
  const JWKS = { PARTWAY_JWT_JWKS_URL: 'https://issuer.example/keys' }
  const LEAST_JWT = {
    PARTWAY_AUTH: 'jwt',
    PARTWAY_JWT_ISSUER: 'https://issuer.example',
    PARTWAY_JWT_AUDIENCE: 'uploads',
  }

  it('has safe defaults for public keys', () => {
    expect(configOf({ ...LEAST_JWT, ...JWKS }).auth).toEqual({
      kind: 'jwt',
      keys: { kind: 'jwks', url: 'https://issuer.example/keys' },
      algorithms: ['RS256', 'ES256'],
      issuer: 'https://issuer.example',
      audiences: ['uploads'],
      ownerClaim: 'sub',
    })
  })

  it('reads every variable', () => {
    const env = {
      ...LEAST_JWT,
      PARTWAY_JWT_SECRET: `${'x'.repeat(64)}\n${'y'.repeat(64)}`,
      PARTWAY_JWT_ALGORITHMS: 'HS512',
      PARTWAY_JWT_AUDIENCE: 'uploads, mail',
      PARTWAY_JWT_TYPE: 'at+jwt',
      PARTWAY_JWT_OWNER_CLAIM: 'email',
    }
    expect(configOf(env).auth).toEqual({
      kind: 'jwt',
      keys: { kind: 'secret', secrets: ['x'.repeat(64), 'y'.repeat(64)] },
      algorithms: ['HS512'],
      issuer: 'https://issuer.example',
      audiences: ['uploads', 'mail'],
      type: 'at+jwt',
      ownerClaim: 'email',
    })
  })

  it('needs keys, an issuer and an audience', () => {
    expect(problemsOf({ PARTWAY_AUTH: 'jwt' }).map((problem) => problem.split(' ')[0])).toEqual([
      'PARTWAY_JWT_JWKS_URL',
      'PARTWAY_JWT_AUDIENCE',
      'PARTWAY_JWT_ISSUER',
    ])
  })

  it.each([
    ['both kinds of keys', { ...JWKS, PARTWAY_JWT_SECRET: SECRET }],
    ['a secret that is too short', { PARTWAY_JWT_SECRET: 'marked' }],
    ['a second secret that is too short', { PARTWAY_JWT_SECRET: `${SECRET},marked` }],
    [
      'a secret that is too short for its algorithm',
      { PARTWAY_JWT_SECRET: 'x'.repeat(63), PARTWAY_JWT_ALGORITHMS: 'HS256,HS512' },
    ],
    ['a secret algorithm with public keys', { ...JWKS, PARTWAY_JWT_ALGORITHMS: 'RS256,HS256' }],
    [
      'a public algorithm with a secret',
      { PARTWAY_JWT_SECRET: SECRET, PARTWAY_JWT_ALGORITHMS: 'RS256' },
    ],
    ['no signature', { ...JWKS, PARTWAY_JWT_ALGORITHMS: 'none' }],
    ['keys by http', { PARTWAY_JWT_JWKS_URL: 'http://issuer.example/keys' }],
    ['keys by ftp', { PARTWAY_JWT_JWKS_URL: 'ftp://127.0.0.1/keys' }],
    ['a host that only looks local', { PARTWAY_JWT_JWKS_URL: 'http://127.0.0.1.evil.test/' }],
    ['credentials in the address', { PARTWAY_JWT_JWKS_URL: 'https://u:marked@issuer.example/' }],
  ])('refuses %s', (_, env) => {
    const problems = problemsOf({ ...LEAST_JWT, ...env })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^PARTWAY_JWT_/)
    expect(problems[0]).not.toContain('marked')
  })

  it.each(['http://127.0.0.1:9/keys', 'http://localhost/keys', 'http://[::1]:9/keys'])(
    'may have its keys at %s',
    (url) => {
      expect(problemsOf({ ...LEAST_JWT, PARTWAY_JWT_JWKS_URL: url })).toEqual([])
    },
  )
})
