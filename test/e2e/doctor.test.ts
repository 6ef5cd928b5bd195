import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Diagnosis } from '../../src/server/doctor.js'
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
      AWS_ACCESS_KEY_ID: fixture.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: fixture.credentials.secretAccessKey,
    }
  })
  afterEach(() => fixture.remove())

  async function doctor(changes: Record<string, string> = {}) {
    const run = new PartwayProcess(['doctor', '--json'], { ...settings, ...changes })
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
    expect(said('store', 'ok')).toEqual(['The store (redis) answers.'])
    expect([...said('bucket', 'broken'), ...said('bucket', 'less')]).toEqual([])
  })

  it('says what a weaker bucket does not check', async () => {
    const proxy = await weakBucketProxy(
      fixture.endpoint,
      ({ headers }) => headers['x-amz-checksum-algorithm'] === 'SHA256',
    )
    try {
      const { code, said } = await doctor({ PARTWAY_S3_ENDPOINT: proxy.url })
      expect(code).toBe(0)
      expect(said('bucket', 'less')).toEqual([
        expect.stringContaining('does not check the SHA-256'),
      ])
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
