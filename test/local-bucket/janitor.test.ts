import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectS3, type S3Connection } from '../../src/bucket/index.js'
import { createPartway } from '../../src/coordinator/create-partway.js'
import type { Partway } from '../../src/coordinator/partway.js'
import { findOrphans } from '../../src/operations/index.js'
import { janitor } from '../../src/server/janitor.js'
import type { JanitorFlags } from '../../src/server/janitor-report.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { startTestLocalBucket } from '../helpers/local-bucket.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'

const SECRET = 'a secret of more than thirty-two bytes'
const LONG_AGO_MS = 8 * 24 * 60 * 60 * 1000
const local = await startTestLocalBucket()
afterAll(() => local.remove())

describe('the janitor', () => {
  const owner = 'ada'
  let fixture: TestBucket
  let s3: S3Connection
  let path: string
  let store: ReturnType<typeof openSqliteSessionStore>

  beforeEach(async () => {
    fixture = await createTestBucket(local.serviceUrl)
    s3 = connectS3(fixture)
    path = join(local.folder, `${randomUUID()}.db`)
    store = openSqliteSessionStore(path)
  })
  afterEach(async () => {
    s3.close()
    await store.close()
    await fixture.remove()
  })

  /** A coordinator whose time is so long ago. */
  function partwayAgo(ms: number): Partway {
    const clock = { now: () => Date.now() - ms, sleep: async () => {} }
    return createPartway({ store, bucket: s3.bucket, signer: s3.signer, secret: SECRET, clock })
  }

  async function begin(partway: Partway, count: number): Promise<string[]> {
    const ids: string[] = []
    for (let at = 0; at < count; at += 10) {
      const batch = Array.from({ length: Math.min(10, count - at) }, () =>
        partway.init({ owner }, { filename: 'film.mp4', size: 1_000, fingerprint: randomUUID() }),
      )
      for (const { reply } of await Promise.all(batch)) ids.push(reply.uploadId)
    }
    return ids
  }

  async function openUploads(): Promise<number> {
    const command = new ListMultipartUploadsCommand({ Bucket: fixture.bucket })
    return (await fixture.client.send(command)).Uploads?.length ?? 0
  }

  async function run(flags: JanitorFlags = {}, more: Record<string, string> = {}) {
    let stdout = ''
    let stderr = ''
    const env = {
      PARTWAY_BUCKET: fixture.bucket,
      PARTWAY_SECRET: SECRET,
      PARTWAY_S3_ENDPOINT: fixture.endpoint,
      PARTWAY_STORE: `sqlite:${path}`,
      ...more,
    }
    const credentials = {
      AWS_ACCESS_KEY_ID: fixture.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: fixture.credentials.secretAccessKey,
    }
    // The SDK reads the environment of the process.
    Object.assign(process.env, credentials)
    const write = (text: string, done: () => void) => {
      stdout += text
      done()
    }
    const io = { stdout: { write }, stderr: { write: (text: string) => (stderr += text) } }
    const code = await janitor(env, io, flags)
    return { code, stdout, stderr }
  }

  it('leaves nothing of 1,000 abandoned uploads, in the bucket and in what their owner has', async () => {
    await begin(partwayAgo(LONG_AGO_MS), 1_000)
    expect(await openUploads()).toBe(1_000)
    const now = partwayAgo(0)
    const report = await now.cleanUp({ pauseMs: 100 })
    expect(report).toEqual({ expired: 1_000, kept: 0, failed: 0, forgotten: 0 })
    expect(await openUploads()).toBe(0)
    const { openUploads: open, reservedBytes } = await now.usage({ owner })
    expect([open, reservedBytes]).toEqual([0, 0])
  })

  it('is run once by the command, after it has told what it would do', async () => {
    const [abandoned = ''] = await begin(partwayAgo(LONG_AGO_MS), 1)
    const [alive = ''] = await begin(partwayAgo(0), 1)
    const dry = await run({ dryRun: true })
    expect(dry.code).toBe(0)
    expect(dry.stdout).toContain(`would expire  ${abandoned}  1000 bytes, its time was over at `)
    expect(dry.stdout).not.toContain(alive)
    expect(await openUploads()).toBe(2)
    const done = await run({ json: true })
    expect(done.code).toBe(0)
    const lines = done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { type: 'upload', upload_id: abandoned, size: 1_000 },
      { type: 'end', dry_run: false, expired: 1, failed: 0, orphans: 0 },
    ])
    expect(await openUploads()).toBe(1)
  })

  it('takes nothing for an orphan that is young, has a record, or is of another program', async () => {
    const [known = ''] = await begin(partwayAgo(0), 1)
    const id = randomBytes(32).toString('base64url')
    for (const key of [`${id}/lost.bin`, 'backup/of-somebody-else']) {
      await s3.bucket.createMultipartUpload({ key, checksum: 'none', metadata: {} })
    }
    const search = { ...s3.housekeeping, store, keyPrefix: '' }
    const now = Date.now()
    expect(await findOrphans({ ...search, before: now - 60_000 })).toEqual([])
    const found = await findOrphans({ ...search, before: now + 60_000 })
    expect(found.map(({ key }) => key)).toEqual([`${id}/lost.bin`])
    expect(JSON.stringify(found)).not.toContain(known)
    expect((await run({ orphans: true })).stdout).toContain('no multipart uploads without a record')
    expect(await openUploads()).toBe(3)
  })

  it('takes nothing for an orphan that has just been sent a part', async () => {
    const key = `${randomBytes(32).toString('base64url')}/lost.bin`
    const target = {
      key,
      ...(await s3.bucket.createMultipartUpload({ key, checksum: 'none', metadata: {} })),
    }
    const [part] = await s3.signer.signParts({
      ...target,
      checksum: 'none',
      parts: [{ index: 1, size: 4 }],
      expiresInSeconds: 60,
    })
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const between = Date.now()
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const reply = await fetch(part?.url ?? '', {
      method: 'PUT',
      body: 'four',
      headers: part?.headers ?? {},
    })
    expect(reply.status).toBe(200)
    const search = { ...s3.housekeeping, store, keyPrefix: '' }
    expect(await findOrphans({ ...search, before: between })).toEqual([])
    expect(await findOrphans({ ...search, before: Date.now() + 60_000 })).toMatchObject([target])
  })

  it('touches no record when the bucket does not answer', async () => {
    await begin(partwayAgo(LONG_AGO_MS), 1)
    const { bucket } = fixture
    fixture = { ...fixture, bucket: 'no-such-bucket' }
    const { code, stderr } = await run()
    fixture = { ...fixture, bucket }
    expect(code).toBe(1)
    expect(stderr).toContain('There is no bucket no-such-bucket')
    expect(await store.overdue({ now: Date.now(), limit: 10 })).toHaveLength(1)
  })

  it('records in the audit log what it gives up', async () => {
    const [abandoned = ''] = await begin(partwayAgo(LONG_AGO_MS), 1)
    const { code, stdout } = await run({ json: true }, { PARTWAY_AUDIT: 'stdout' })
    expect(code).toBe(0)
    const lines = stdout.split('\n').filter((line) => line.includes('upload.expired'))
    expect(lines).toEqual([expect.stringContaining(abandoned)])
  })

  it('refuses settings that are not valid', async () => {
    path = ''
    expect((await run()).code).toBe(2)
  })
})
