import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/server/config.js'
import { configOf, LEAST, problemsOf, SECRET } from './config-of.js'

const perMinute = (limit: number) => ({ limit, windowSeconds: 60 })

describe('readConfig', () => {
  it('needs a bucket and a secret, and has a default for everything else', () => {
    expect(configOf()).toEqual({
      host: '127.0.0.1',
      port: 8000,
      bucket: { name: 'uploads', region: 'us-east-1' },
      store: { kind: 'sqlite', path: './.partway/sessions.db' },
      secrets: [SECRET],
      auth: { kind: 'none' },
      probe: true,
      urlTtlSeconds: 900,
      sessionTtlMs: 604_800_000,
      retentionMs: 604_800_000,
      leaseMs: 60_000,
      drainDelayMs: 3_000,
      verifyConcurrency: 2,
      janitorIntervalMs: 300_000,
      checkContent: false,
      limits: { maxFileSize: 5_497_558_138_880 },
      signBudget: 10,
      keyPrefix: '',
      corsOrigins: [],
      guard: {
        rates: {
          owner: {
            init: perMinute(6_000),
            parts: perMinute(12_000),
            status: perMinute(6_000),
            complete: perMinute(6_000),
            other: perMinute(3_000),
          },
          address: {
            init: perMinute(12_000),
            parts: perMinute(24_000),
            status: perMinute(12_000),
            complete: perMinute(12_000),
            other: perMinute(6_000),
          },
          refused: perMinute(300),
        },
        inFlightPerAddress: 256,
        maxConnections: 1_024,
        keepAliveMs: 65_000,
      },
      page: false,
      outboundPrivate: false,
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
        PARTWAY_DRAIN_DELAY: '0s',
        PARTWAY_VERIFY_CONCURRENCY: '0',
        PARTWAY_JANITOR_INTERVAL: '90s',
        PARTWAY_MAX_SIZE: '50TB',
        PARTWAY_ALLOWED_TYPES: 'image/PNG, video/*',
        PARTWAY_KEY_PREFIX: 'team/uploads/',
        PARTWAY_CHECK_CONTENT: 'true',
        PARTWAY_AUDIT: 'file:audit.log',
        PARTWAY_CORS_ORIGINS: 'https://a.example,http://localhost:5173',
        PARTWAY_TRUST_PROXY: 'loopback, 10.0.0.0/8',
        PARTWAY_RATE_INIT: '20/10s',
        PARTWAY_RATE_PARTS: '60/min,90/2h',
        PARTWAY_RATE_STATUS: 'off,5/s',
        PARTWAY_RATE_COMPLETE: 'off',
        PARTWAY_RATE_OTHER: '1/d,off',
        PARTWAY_RATE_REFUSED: 'off',
        PARTWAY_IN_FLIGHT_PER_IP: '8',
        PARTWAY_MAX_CONNECTIONS: '50',
        PARTWAY_KEEP_ALIVE: '2m',
        PARTWAY_RELAY: 'true',
        PARTWAY_RELAY_CONCURRENCY: '3',
        PARTWAY_RELAY_TIMEOUT: '2m',
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
      secrets: [SECRET],
      auth: { kind: 'none' },
      checksum: 'crc32c',
      probe: false,
      urlTtlSeconds: 3600,
      sessionTtlMs: 172_800_000,
      retentionMs: 86_400_000,
      leaseMs: 2_000,
      drainDelayMs: 0,
      verifyConcurrency: 0,
      janitorIntervalMs: 90_000,
      checkContent: true,
      audit: { to: { kind: 'file', path: 'audit.log' }, owners: 'hashed', isRequired: true },
      limits: { maxFileSize: 50e12, allowedTypes: ['image/png', 'video/*'] },
      signBudget: 10,
      keyPrefix: 'team/uploads/',
      corsOrigins: ['https://a.example', 'http://localhost:5173'],
      guard: {
        rates: {
          owner: {
            init: { limit: 20, windowSeconds: 10 },
            parts: perMinute(60),
            other: { limit: 1, windowSeconds: 86_400 },
          },
          address: {
            init: { limit: 20, windowSeconds: 10 },
            parts: { limit: 90, windowSeconds: 7_200 },
            status: { limit: 5, windowSeconds: 1 },
          },
        },
        inFlightPerAddress: 8,
        trustProxy: ['loopback', '10.0.0.0/8'],
        maxConnections: 50,
        keepAliveMs: 120_000,
      },
      relay: { concurrency: 3, timeoutMs: 120_000 },
      page: true,
      outboundPrivate: false,
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
    ['PARTWAY_STORE', 'redis+cluster://a:x'],
    ['PARTWAY_STORE', 'redis+sentinel://a,b'],
    ['PARTWAY_AUTH', 'basic'],
    ['PARTWAY_TOKENS_FILE', '/tokens'],
    ['PARTWAY_JWT_JWKS_URL', 'https://issuer.example/keys'],
    ['PARTWAY_JWT_SECRET', SECRET],
    ['PARTWAY_SECRET', `${SECRET},short`],
    ['PARTWAY_ALLOW_ANONYMOUS', 'maybe'],
    ['PARTWAY_CHECKSUM', 'sha1'],
    ['PARTWAY_URL_TTL', '8d'],
    ['PARTWAY_URL_TTL', '0s'],
    ['PARTWAY_SESSION_TTL', '10s'],
    ['PARTWAY_RETENTION', '23h'],
    ['PARTWAY_LEASE', '999ms'],
    ['PARTWAY_LEASE', '11m'],
    ['PARTWAY_DRAIN_DELAY', '11m'],
    ['PARTWAY_VERIFY_CONCURRENCY', '65'],
    ['PARTWAY_MAX_SIZE', '0'],
    ['PARTWAY_MAX_SIZE', '60TiB'],
    ['PARTWAY_ALLOWED_TYPES', 'png'],
    ['PARTWAY_ALLOWED_TYPES', 'image/png,*'],
    ['PARTWAY_ALLOWED_EXTENSIONS', 'jpg,*.png'],
    ['PARTWAY_ALLOWED_EXTENSIONS', 'a/b'],
    ['PARTWAY_MIN_PART_SIZE', '6GiB'],
    ['PARTWAY_MAX_PART_SIZE', '0'],
    ['PARTWAY_MAX_OPEN_UPLOADS', '-1'],
    ['PARTWAY_MAX_OPEN_UPLOADS', 'many'],
    ['PARTWAY_MAX_RESERVED_BYTES', '10 gigabytes'],
    ['PARTWAY_MAX_STORED_BYTES', '-1GB'],
    ['PARTWAY_MAX_UPLOADS_PER_DAY', '1.5'],
    ['PARTWAY_SIGN_BUDGET', '0'],
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

  it('reads limits, of which none but the largest file is set by itself', () => {
    const { limits } = configOf({
      PARTWAY_MAX_SIZE: '1GiB',
      PARTWAY_MIN_PART_SIZE: '8MiB',
      PARTWAY_MAX_PART_SIZE: '64MiB',
      PARTWAY_ALLOWED_EXTENSIONS: '.JPG, tar.gz',
      PARTWAY_MAX_OPEN_UPLOADS: '0',
      PARTWAY_MAX_RESERVED_BYTES: '10GB',
      PARTWAY_MAX_STORED_BYTES: '1TB',
      PARTWAY_MAX_UPLOADS_PER_DAY: '100',
    })
    expect(limits).toEqual({
      maxFileSize: 1_073_741_824,
      minPartSize: 8_388_608,
      maxPartSize: 67_108_864,
      allowedExtensions: ['jpg', 'tar.gz'],
      maxOpenUploads: 0,
      maxReservedBytes: 10e9,
      maxStoredBytes: 1e12,
      maxUploadsPerDay: 100,
    })
  })

  it('refuses a smallest part that is larger than the largest', () => {
    const problems = problemsOf({ PARTWAY_MIN_PART_SIZE: '9MiB', PARTWAY_MAX_PART_SIZE: '8MiB' })
    expect(problems).toEqual(['PARTWAY_MIN_PART_SIZE must not be more than PARTWAY_MAX_PART_SIZE'])
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

describe('what one caller may take', () => {
  it.each([
    '',
    'often',
    '60',
    '60/',
    '60/year',
    '0/min',
    '1/500ms',
    '1/2d',
    '5/min,6/min,7/min',
    '-1/s',
  ])('is not the rate %j', (rate) => {
    const problems = problemsOf({ PARTWAY_RATE_INIT: rate || ',' })
    expect(problems.join()).toContain('PARTWAY_RATE_INIT must be a rate')
  })

  it('trusts so many proxies, or those that are named', () => {
    const trusted = (text: string) => configOf({ PARTWAY_TRUST_PROXY: text }).guard.trustProxy
    expect(trusted('2')).toBe(2)
    expect(trusted('uniquelocal,fd00::/8')).toEqual(['uniquelocal', 'fd00::/8'])
  })

  it.each(['true', '0', '17', '0.0.0.0/0', '10.0.0.0/33', 'proxy.example', '10.0.0.0/8/8'])(
    'does not trust the proxies %j',
    (text) => {
      const problems = problemsOf({ PARTWAY_TRUST_PROXY: text })
      expect(problems.join()).toContain('PARTWAY_TRUST_PROXY must be')
    },
  )
})
