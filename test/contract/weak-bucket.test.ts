import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readConfig } from '../../src/server/config.js'
import { createLog } from '../../src/server/logging.js'
import { type RunningServer, startServer } from '../../src/server/main.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { minioUrl } from '../helpers/services.js'
import { type WeakBucketProxy, weakBucketProxy } from '../helpers/weak-bucket-proxy.js'
import { needsService } from './needs-service.js'

const FILE = { filename: 'a.bin', size: 10, fingerprint: 'a' }

describe('a server whose bucket knows no SHA-256', () => {
  needsService('MinIO', minioUrl(), () => {
    let fixture: TestBucket
    let proxy: WeakBucketProxy
    let server: RunningServer
    let lines: Record<string, unknown>[]

    beforeEach(async () => {
      fixture = await createTestBucket(minioUrl())
      proxy = await weakBucketProxy(
        fixture.endpoint,
        ({ headers }) => headers['x-amz-checksum-algorithm'] === 'SHA256',
      )
      vi.stubEnv('AWS_ACCESS_KEY_ID', fixture.credentials.accessKeyId)
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', fixture.credentials.secretAccessKey)
      lines = []
      const log = createLog('info', { write: (line) => lines.push(JSON.parse(line)) })
      const outcome = readConfig({
        PARTWAY_PORT: '0',
        PARTWAY_BUCKET: fixture.bucket,
        PARTWAY_SECRET: 'a secret of more than thirty-two bytes',
        PARTWAY_S3_ENDPOINT: proxy.url,
        PARTWAY_STORE: 'sqlite::memory:',
      })
      if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
      server = await startServer(outcome.config, { log })
    })

    afterEach(async () => {
      vi.unstubAllEnvs()
      await server.stop()
      await proxy.stop()
      await fixture.remove()
    })

    const init = async (body: object) => {
      const response = await fetch(`${server.url}/upload/init`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: response.status, reply: await response.json() }
    }

    it('takes the next best by default, and refuses what it does not have', async () => {
      const said = (event: string) => () => lines.filter((line) => line.event === event)
      await expect.poll(said('bucket.capabilities'), { timeout: 10_000 }).toHaveLength(1)
      expect(said('bucket.capabilities')()[0]).toMatchObject({
        modes: ['crc64nvme', 'crc32c', 'crc32', 'md5', 'none'],
        sha256Root: 'no',
      })
      expect(said('bucket.concern')()).toEqual([
        expect.objectContaining({ level: 'warn', concern: expect.stringContaining('SHA-256') }),
      ])
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
      expect(await init(FILE)).toMatchObject({ status: 201, reply: { checksum: 'crc64nvme' } })
      expect(await init({ ...FILE, checksum: 'sha256' })).toMatchObject({
        status: 400,
        reply: { code: 'INVALID_REQUEST', field: 'checksum' },
      })
    })
  })
})
