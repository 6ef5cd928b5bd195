import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Diagnosis, doctor as runDoctor } from '../../src/server/doctor.js'
import { alteringProxy, type CorsChange } from '../helpers/altering-proxy.js'
import { startRedis } from '../helpers/own-redis.js'
import { PartwayProcess } from '../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { minioUrl, ownRedisUrl, redisUrl } from '../helpers/services.js'
import { weakBucketProxy } from '../helpers/weak-bucket-proxy.js'

// Where `CI` is set, the set-up has failed before this could hide anything.
describe.skipIf(minioUrl() === '' || redisUrl() === '')('partway doctor', () => {
  let fixture: TestBucket
  let settings: Record<string, string>

  beforeEach(async () => {
    fixture = await createTestBucket(minioUrl())
    settings = {
      PARTWAY_BUCKET: fixture.bucket,
      PARTWAY_SECRET: 'a secret of more than thirty-two bytes',
      PARTWAY_S3_ENDPOINT: fixture.endpoint,
      PARTWAY_STORE: ownRedisUrl(),
      // No longer than MinIO keeps unfinished uploads.
      PARTWAY_SESSION_TTL: '24h',
      AWS_ACCESS_KEY_ID: fixture.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: fixture.credentials.secretAccessKey,
    }
  })
  afterEach(() => fixture.remove())

  async function doctor(changes: Record<string, string> = {}, args: readonly string[] = []) {
    const run = new PartwayProcess(['doctor', '--json', ...args], { ...settings, ...changes })
    const { code, stdout, stderr } = await run.ended
    const { diagnoses }: { diagnoses: Diagnosis[] } = JSON.parse(stdout)
    const said = (about: string, level: string) =>
      diagnoses.filter((one) => one.about === about && one.level === level).map(({ text }) => text)
    return { code, said, all: `${stdout}${stderr}` }
  }

  it('finds everything well', async () => {
    const { code, said } = await doctor()
    expect(code).toBe(0)
    expect(said('bucket', 'ok')).toContainEqual(expect.stringContaining('SHA-256'))
    expect(said('store', 'ok')).toEqual([
      'The store (redis) answers.',
      expect.stringMatching(/^It speaks the protocol of Redis \d/),
      expect.stringContaining('noeviction'),
    ])
    expect(said('bucket', 'ok')).toEqual(
      expect.arrayContaining([
        expect.stringContaining('takes the credentials. Its name is in the path of URLs.'),
        expect.stringContaining('If-None-Match'),
        expect.stringContaining('can be found again'),
        expect.stringContaining("clock agrees with the bucket's"),
      ]),
    )
    expect(said('bucket', 'broken')).toEqual([])
    // The key of these tests may do everything.
    expect(said('bucket', 'less')).toEqual([
      expect.stringContaining('may do more than uploads need'),
    ])
  })

  it('says what a weaker bucket does not check', async () => {
    const proxy = await weakBucketProxy(
      fixture.endpoint,
      ({ headers }) => headers['x-amz-checksum-algorithm'] === 'SHA256',
    )
    try {
      const { code, said } = await doctor({ PARTWAY_S3_ENDPOINT: proxy.url })
      expect(code).toBe(0)
      expect(said('bucket', 'less')).toContainEqual(
        expect.stringContaining('does not check the SHA-256'),
      )
    } finally {
      await proxy.stop()
    }
  })

  it.each([
    ['PARTWAY_BUCKET', 'no-such-bucket', 'bucket', 'There is no bucket no-such-bucket'],
    ['AWS_SECRET_ACCESS_KEY', 'another-secret', 'bucket', 'may not use the bucket'],
    ['PARTWAY_S3_ENDPOINT', 'http://127.0.0.1:1', 'bucket', 'ECONNREFUSED'],
    ['PARTWAY_STORE', 'sqlite:/dev/null/x.db', 'store', 'does not answer'],
  ])('says what is broken: %s=%s', async (name, value, about, text) => {
    const { code, said, all } = await doctor({ [name]: value })
    expect(code).toBe(1)
    expect(said(about, 'broken')).toEqual([expect.stringContaining(text)])
    expect(all).not.toContain('another-secret')
  })

  it('warns where the bucket removes unfinished uploads before their time', async () => {
    const { code, said } = await doctor({ PARTWAY_SESSION_TTL: '7d' })
    expect(code).toBe(0)
    const concern = expect.stringMatching(/24 hours.*PARTWAY_SESSION_TTL \(7 d\).*STALE_UPLOADS/)
    expect(said('bucket', 'less')).toContainEqual(concern)
  })

  it('tries whether pages of an origin can send parts', async () => {
    const { code, said } = await doctor({ PARTWAY_CORS_ORIGINS: 'https://app.example.com' })
    expect(code).toBe(0)
    expect(said('browsers', 'ok')).toEqual([
      `Pages of https://app.example.com can send parts to ${fixture.endpoint}.`,
    ])
    const { Uploads = [] } = await fixture.client.send(
      new ListMultipartUploadsCommand({ Bucket: fixture.bucket }),
    )
    expect(Uploads).toEqual([])
  })

  it.each<[string, CorsChange, string]>([
    ['ETag is not exposed', { 'access-control-expose-headers': 'Date' }, 'ExposeHeaders'],
    ['the origin is another', { 'access-control-allow-origin': 'https://b.example' }, 'preflight'],
    ['PUT is not allowed', { 'access-control-allow-methods': 'GET' }, 'PUT is not allowed'],
    ['headers are not allowed', { 'access-control-allow-headers': 'Date' }, 'any header'],
    ['there is no ETag', { etag: undefined }, 'has no ETag'],
  ])('says that pages cannot upload where %s', async (_, change, text) => {
    const proxy = await alteringProxy(fixture.endpoint, change)
    try {
      const origin = 'https://app.example.com'
      const { code, said } = await doctor({ PARTWAY_S3_PUBLIC_ENDPOINT: proxy.url }, [
        '--origin',
        origin,
      ])
      expect(code).toBe(1)
      expect(said('browsers', 'broken')).toContainEqual(expect.stringContaining(text))
    } finally {
      await proxy.stop()
    }
  })

  it('says when clients are sent where nobody is', async () => {
    const { code, said } = await doctor({ PARTWAY_S3_PUBLIC_ENDPOINT: 'http://127.0.0.1:1' })
    expect(code).toBe(1)
    expect(said('browsers', 'broken')).toEqual([expect.stringContaining('ECONNREFUSED')])
  })

  it('says what a Redis that drops keys and keeps nothing would forget', async () => {
    const redis = await startRedis(redisUrl(), [
      '--maxmemory',
      '50mb',
      '--maxmemory-policy',
      'allkeys-lru',
    ])
    try {
      const { code, said } = await doctor({ PARTWAY_STORE: redis.url })
      expect(code).toBe(0)
      expect(said('store', 'less')).toEqual([
        expect.stringContaining('Set it to noeviction'),
        expect.stringContaining('keeps nothing over a restart'),
      ])
    } finally {
      await redis.stop()
    }
  })

  it('says that the clock of this machine is wrong, and goes on by that of the bucket', async () => {
    const lines: string[] = []
    const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = settings
    // The SDK reads the environment of the process.
    Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
    const clock = { now: () => Date.now() - 3_600_000 }
    const io = { stdout: { write: (text: string) => lines.push(text) } }
    const origin = ['https://app.example.com']
    const code = await runDoctor(settings, io, { json: true, origin, clock })
    const { diagnoses }: { diagnoses: Diagnosis[] } = JSON.parse(lines.join(''))
    expect(code).toBe(0)
    const texts = diagnoses.filter(({ level }) => level === 'less').map(({ text }) => text)
    expect(texts).toContainEqual(expect.stringMatching(/clock is 3[56]\d\d s behind the bucket's/))
    expect(diagnoses.filter(({ about }) => about === 'browsers')).toMatchObject([{ level: 'ok' }])
  })

  it('says in plain words what is limited and what is not', async () => {
    const free = await doctor({ PARTWAY_RATE_INIT: 'off' })
    expect(free.said('limits', 'less')).toEqual([
      expect.stringContaining('any amount of room'),
      'The rates of some calls are not limited: init.',
    ])
    const limited = await doctor({ PARTWAY_MAX_OPEN_UPLOADS: '5' })
    expect(limited.said('limits', 'ok')).toContain('An owner may have at most 5 uploads under way.')
  })

  it('names every setting that is not valid', async () => {
    const { code, said } = await doctor({ PARTWAY_SECRET: 'short', PARTWAY_PORT: 'x' })
    expect(code).toBe(2)
    expect(said('settings', 'broken')).toHaveLength(2)
  })

  it('prints lines for people', async () => {
    const { code, stdout } = await new PartwayProcess(['doctor'], settings).ended
    expect(code).toBe(0)
    expect(stdout).toMatch(/^settings +ok +The settings are valid\.$/m)
    expect(stdout).toMatch(/^bucket +ok +The bucket checks the SHA-256/m)
  })
})
