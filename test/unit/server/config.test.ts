import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/server/config.js'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const LEAST = { PARTWAY_BUCKET: 'uploads', PARTWAY_SECRET: SECRET }

function configOf(env: Record<string, string> = {}) {
  const outcome = readConfig({ ...LEAST, ...env })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
  return outcome.config
}

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  const outcome = readConfig({ ...LEAST, ...env })
  return outcome.kind === 'invalid' ? outcome.problems : []
}

describe('readConfig', () => {
  it('needs a bucket and a secret, and has a default for everything else', () => {
    expect(configOf()).toEqual({
      host: '127.0.0.1',
      port: 8000,
      bucket: { name: 'uploads', region: 'us-east-1' },
      store: { kind: 'sqlite', path: './.partway/sessions.db' },
      secret: SECRET,
      probe: true,
      urlTtlSeconds: 900,
      sessionTtlMs: 604_800_000,
      retentionMs: 604_800_000,
      leaseMs: 60_000,
      verifyConcurrency: 2,
      maxSize: 5_497_558_138_880,
      keyPrefix: '',
      corsOrigins: [],
      page: false,
      logLevel: 'info',
    })
  })

  it('reads every variable', () => {
    expect(
      configOf({
        PARTWAY_HOST: '0.0.0.0',
        PARTWAY_PORT: '0',
        PARTWAY_S3_ENDPOINT: 'http://minio:9000',
        PARTWAY_S3_PUBLIC_ENDPOINT: 'https://s3.example.com',
        PARTWAY_S3_REGION: 'eu-central-1',
        PARTWAY_S3_FORCE_PATH_STYLE: 'FALSE',
        PARTWAY_STORE: 'rediss://:pass@redis:6380/1',
        PARTWAY_AUTH: 'none',
        PARTWAY_ALLOW_ANONYMOUS: 'true',
        PARTWAY_CHECKSUM: 'crc32c',
        PARTWAY_PROBE: 'false',
        PARTWAY_URL_TTL: '1h',
        PARTWAY_SESSION_TTL: '2d',
        PARTWAY_RETENTION: '24h',
        PARTWAY_LEASE: '2s',
        PARTWAY_VERIFY_CONCURRENCY: '0',
        PARTWAY_MAX_SIZE: '50TB',
        PARTWAY_ALLOWED_TYPES: 'image/PNG, video/*',
        PARTWAY_KEY_PREFIX: 'team/uploads/',
        PARTWAY_CORS_ORIGINS: 'https://a.example,http://localhost:5173',
        PARTWAY_PAGE: 'true',
        PARTWAY_LOG_LEVEL: 'debug',
      }),
    ).toEqual({
      host: '0.0.0.0',
      port: 0,
      bucket: {
        name: 'uploads',
        region: 'eu-central-1',
        endpoint: 'http://minio:9000',
        publicEndpoint: 'https://s3.example.com',
        forcePathStyle: false,
      },
      store: { kind: 'redis', url: 'rediss://:pass@redis:6380/1' },
      secret: SECRET,
      checksum: 'crc32c',
      probe: false,
      urlTtlSeconds: 3600,
      sessionTtlMs: 172_800_000,
      retentionMs: 86_400_000,
      leaseMs: 2_000,
      verifyConcurrency: 0,
      maxSize: 50e12,
      allowedTypes: ['image/png', 'video/*'],
      keyPrefix: 'team/uploads/',
      corsOrigins: ['https://a.example', 'http://localhost:5173'],
      page: true,
      logLevel: 'debug',
    })
  })

  it('takes an empty variable for one that is not set', () => {
    expect(configOf({ PARTWAY_PORT: '', PARTWAY_S3_ENDPOINT: ' ' })).toEqual(configOf())
  })

  it('tells every problem at once', () => {
    const problems = problemsOf({
      PARTWAY_BUCKET: undefined,
      PARTWAY_SECRET: undefined,
      PARTWAY_PORT: '99999',
      PARTWAY_URL_TTL: '15',
    })
    const names = problems.map((problem) => problem.split(' ')[0])
    expect(names.sort()).toEqual([
      'PARTWAY_BUCKET',
      'PARTWAY_PORT',
      'PARTWAY_SECRET',
      'PARTWAY_URL_TTL',
    ])
  })

  it.each([
    ['PARTWAY_HOST', 'not a host'],
    ['PARTWAY_PORT', '-1'],
    ['PARTWAY_PORT', '80.5'],
    ['PARTWAY_BUCKET', 'a/b'],
    ['PARTWAY_S3_ENDPOINT', 'minio:9000'],
    ['PARTWAY_S3_ENDPOINT', 'https://s3.example.com/?x=1'],
    ['PARTWAY_S3_FORCE_PATH_STYLE', 'yes'],
    ['PARTWAY_STORE', 'sqlite:'],
    ['PARTWAY_STORE', 'postgres://db'],
    ['PARTWAY_AUTH', 'token'],
    ['PARTWAY_AUTH', 'jwt'],
    ['PARTWAY_ALLOW_ANONYMOUS', 'maybe'],
    ['PARTWAY_CHECKSUM', 'sha1'],
    ['PARTWAY_URL_TTL', '8d'],
    ['PARTWAY_URL_TTL', '0s'],
    ['PARTWAY_SESSION_TTL', '10s'],
    ['PARTWAY_RETENTION', '23h'],
    ['PARTWAY_LEASE', '999ms'],
    ['PARTWAY_LEASE', '11m'],
    ['PARTWAY_VERIFY_CONCURRENCY', '65'],
    ['PARTWAY_MAX_SIZE', '0'],
    ['PARTWAY_MAX_SIZE', '60TiB'],
    ['PARTWAY_ALLOWED_TYPES', 'png'],
    ['PARTWAY_KEY_PREFIX', '/uploads'],
    ['PARTWAY_KEY_PREFIX', 'a/../b/'],
    ['PARTWAY_KEY_PREFIX', 'a//b'],
    ['PARTWAY_KEY_PREFIX', 'ü/'],
    ['PARTWAY_CORS_ORIGINS', '*'],
    ['PARTWAY_CORS_ORIGINS', 'https://app.example.com/'],
    ['PARTWAY_LOG_LEVEL', 'loud'],
  ])('refuses %s=%s', (name, value) => {
    const problems = problemsOf({ [name]: value })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${name} `))
  })

  it('refuses sessions that end before their URLs', () => {
    const problems = problemsOf({ PARTWAY_URL_TTL: '1h', PARTWAY_SESSION_TTL: '30m' })
    expect(problems.join()).toContain('PARTWAY_SESSION_TTL must not be shorter')
  })

  it('never repeats a secret in a problem', () => {
    const problems = problemsOf({
      PARTWAY_SECRET: 'marked-short-secret',
      PARTWAY_STORE: 'redis//:marked-password@host',
      PARTWAY_S3_ENDPOINT: 'http://key:marked-key@host',
      PARTWAY_S3_PUBLIC_ENDPOINT: 'marked-key@host',
    })
    expect(problems).toHaveLength(4)
    expect(problems.join()).not.toContain('marked')
  })
})

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

describe('a variable that does not exist', () => {
  const warningsOf = (env: Record<string, string>) => {
    const outcome = readConfig({ ...LEAST, ...env })
    return outcome.kind === 'ok' ? outcome.warnings : undefined
  }

  it('is named, with the one that was probably meant', () => {
    expect(warningsOf({ PARTWAY_BUCKT: 'x', PARTWAY_SOMETHING_ELSE: 'y', OTHER: 'z' })).toEqual([
      'PARTWAY_BUCKT is not known; is PARTWAY_BUCKET meant?',
      'PARTWAY_SOMETHING_ELSE is not known',
    ])
  })
})
