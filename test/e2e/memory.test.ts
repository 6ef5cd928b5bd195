import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ServerProcess } from '../helpers/programs.js'
import { createTestBucket } from '../helpers/s3-fixture.js'
import { minioUrl, ownRedisUrl, redisUrl } from '../helpers/services.js'

const UPLOADS = 20
const PARTS = 2_000
const MIB = 1024 * 1024
const LIMIT_MIB = 150

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

// Where `CI` is set, the set-up has failed before this could hide anything.
it.skipIf(minioUrl() === '' || redisUrl() === '').each(['redis', 'sqlite'])(
  'serves twenty uploads of 2,000 parts in 150 MB (%s)',
  async (store) => {
    const folder = await mkdtemp(join(tmpdir(), 'partway-e2e-'))
    cleanUp.push(() => rm(folder, { recursive: true }))
    const fixture = await createTestBucket(minioUrl())
    cleanUp.push(() => fixture.remove())
    const server = await ServerProcess.start({
      bucket: fixture.bucket,
      bucketUrl: minioUrl(),
      store: store === 'redis' ? ownRedisUrl() : `sqlite:${join(folder, 'sessions.db')}`,
    })
    cleanUp.push(() => server.kill('SIGTERM'))
    const small = await peakAfter(server, 5 * MIB)
    const large = await peakAfter(server, 2_000 * MIB)
    console.info(`${store}: peak ${small} MiB with 10 GB files, ${large} MiB with 4 TB files`)
    expect(large).toBeLessThan(LIMIT_MIB)
  },
)

interface Reply {
  readonly upload_id: string
  readonly parts?: readonly unknown[]
  readonly uploaded?: readonly unknown[]
  readonly uploaded_count?: number
}

/** Initialises, signs, reports and queries all uploads at once; the server's peak memory in MiB. */
async function peakAfter(server: ServerProcess, chunkSize: number): Promise<number> {
  await Promise.all(Array.from({ length: UPLOADS }, (_, i) => drive(server.url, chunkSize, i)))
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024)
}

async function drive(url: string, chunkSize: number, number: number): Promise<void> {
  const call = async (path: string, body: unknown): Promise<Reply> => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(response.ok, path).toBe(true)
    return (await response.json()) as Reply
  }
  const opened = await call('/upload/init', {
    filename: `${number}.bin`,
    size: chunkSize * PARTS,
    chunk_size: chunkSize,
  })
  const { upload_id } = opened
  const parts = Array.from({ length: PARTS }, (_, i) => ({
    index: i + 1,
    checksum: createHash('sha256').update(`${number} ${i}`).digest('base64'),
  }))
  const signed = await call('/upload/parts', { upload_id, sign: parts })
  expect(signed.parts).toHaveLength(PARTS)
  const uploaded = parts.map(({ index }) => ({ index, etag: '0'.repeat(32) }))
  expect((await call('/upload/parts', { upload_id, uploaded })).uploaded_count).toBe(PARTS)
  const response = await fetch(`${url}/upload/status?upload_id=${upload_id}`)
  const status = (await response.json()) as Reply
  expect(status.uploaded).toHaveLength(PARTS)
}
