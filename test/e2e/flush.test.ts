import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uploadFile } from '../../src/client/node.js'
import { PartGate } from '../helpers/part-gate.js'
import { ServerProcess, until } from '../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { minioUrl, redisUrl, versitygwUrl } from '../helpers/services.js'
import { sha256OfFile, sha256OfObject, writeRandomFile } from './files.js'

const MEBIBYTES = 16
const CHUNK = 5 * 1024 * 1024
const PARTS = 4
const JITTER_MS = 40

/**
 * The server has a Redis database of its own, and FLUSHDB of it stands for FLUSHALL: to the server it is
 * the same, since it uses one database, and other tests that share this Redis keep their data.
 */
const DATABASE = 7

// Where `CI` is set, the set-up has failed before this could hide anything.
describe.skipIf(minioUrl() === '' || redisUrl() === '' || versitygwUrl() === '').each([
  { on: 'MinIO', bucketUrl: minioUrl(), uploads: 50 },
  { on: 'VersityGW', bucketUrl: versitygwUrl(), uploads: 10 },
])('Redis flushed at a random moment of each upload ($on)', ({ bucketUrl, uploads }) => {
  let folder: string
  let fixture: TestBucket
  let gate: PartGate
  let server: ServerProcess
  let redis: Redis

  beforeAll(async () => {
    const store = new URL(redisUrl())
    store.pathname = `/${DATABASE}`
    folder = await mkdtemp(join(tmpdir(), 'partway-e2e-'))
    fixture = await createTestBucket(bucketUrl)
    gate = new PartGate(fixture.endpoint)
    redis = new Redis(store.href)
    server = await ServerProcess.start({
      bucket: fixture.bucket,
      bucketUrl,
      store: store.href,
      publicEndpoint: await gate.start(),
    })
  })
  afterAll(async () => {
    await server.kill('SIGTERM')
    await redis.quit()
    await gate.stop()
    await fixture.remove()
    await rm(folder, { recursive: true })
  })

  /** Uploads a new file, and flushes once `after.parts` are stored and `after.ms` have passed. */
  async function uploadOnce(after: { readonly parts: number; readonly ms: number }) {
    const path = join(folder, 'file.bin')
    await writeRandomFile(path, MEBIBYTES)
    gate.stored.length = 0
    let beginnings = 0
    const uploading = uploadFile(path, {
      server: server.url,
      chunkSize: CHUNK,
      concurrency: 2,
      onEvent: ({ type }) => {
        if (type === 'init') beginnings++
      },
    })
    const flushing = (async () => {
      const isDue = () => beginnings > 0 && gate.stored.length >= after.parts
      await until(isDue, `${after.parts} parts to be stored`)
      await new Promise((resolve) => setTimeout(resolve, after.ms))
      const sent = [...gate.stored]
      await redis.flushdb()
      return sent
    })()
    const [{ object }, sent] = await Promise.all([uploading, flushing])
    expect(await sha256OfObject(fixture.client, object)).toBe(await sha256OfFile(path))
    const stored = new Set(gate.stored)
    expect([...stored].sort()).toEqual(Array.from({ length: PARTS }, (_, i) => i + 1))
    for (const index of sent) {
      const times = gate.stored.filter((one) => one === index).length
      expect(times, `part ${index} was sent ${times} times`).toBe(1)
    }
    return { wasBegunAgain: beginnings > 1 }
  }

  it('makes the right object of every file, and sends no part again that had arrived', async () => {
    let begunAgain = 0
    for (let i = 0; i < uploads; i++) {
      const after = { parts: randomInt(PARTS + 1), ms: randomInt(JITTER_MS) }
      const moment = `flushed ${after.ms} ms after ${after.parts} parts`
      const { wasBegunAgain } = await uploadOnce(after).catch((cause) => {
        throw new Error(`${moment}: ${cause}\n${server.log}`, { cause })
      })
      if (wasBegunAgain) begunAgain++
    }
    // The rest were flushed after their last call, as may happen; but not so often.
    expect(begunAgain).toBeGreaterThan(uploads / 5)
  }, 180_000)
})
