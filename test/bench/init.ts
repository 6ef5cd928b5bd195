import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServices } from '../../infra/services/find-services.js'
import { ServerProcess } from '../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { median, signBySdk } from './sign-by-sdk.js'

/**
 * How long the built server takes to answer `init` with `checksum: "none"` and 10,000 part URLs, over HTTP and with
 * its multipart upload opened at a real MinIO, and how long 10,000 calls of `getSignedUrl` take in
 * another process at the same time of the day: rounds of both alternate.
 */

const URLS = 10_000
const ROUNDS = 5
const CHUNK = 8 * 1024 * 1024

const services = await findServices({ want: ['minio'], log: (line) => console.error(line) })
const folder = await mkdtemp(join(tmpdir(), 'partway-bench-'))
try {
  const bucketUrl = services.urls.minio
  if (bucketUrl === undefined) throw new Error('there is no MinIO to be had')
  const fixture = await createTestBucket(bucketUrl)
  const store = `sqlite:${join(folder, 'sessions.db')}`
  const server = await ServerProcess.start({ bucket: fixture.bucket, bucketUrl, store })
  try {
    await compare(server.url, fixture)
  } finally {
    await server.kill('SIGTERM')
    await fixture.remove()
  }
} finally {
  await services.stop()
  await rm(folder, { recursive: true })
}

async function compare(url: string, fixture: TestBucket): Promise<void> {
  const init: number[] = []
  const bySdk: number[] = []
  await timeInit(url)
  for (let round = 0; round < ROUNDS; round++) {
    init.push(await timeInit(url))
    bySdk.push(await timeSdk(fixture))
  }
  const [ours, theirs] = [median(init), median(bySdk)]
  console.log(`init with ${URLS} URLs     ${ours.toFixed(0).padStart(6)} ms`)
  console.log(`${URLS} x getSignedUrl  ${theirs.toFixed(0).padStart(6)} ms`)
  console.log(`ratio                    ${(theirs / ours).toFixed(1).padStart(6)}`)
}

async function timeInit(url: string): Promise<number> {
  const start = performance.now()
  const response = await fetch(`${url}/upload/init`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      filename: 'bench.bin',
      size: URLS * CHUNK,
      chunk_size: CHUNK,
      checksum: 'none',
      sign: 'all',
    }),
  })
  const text = await response.text()
  const elapsed = performance.now() - start
  const { parts } = JSON.parse(text) as { parts?: unknown[] }
  if (parts?.length !== URLS) throw new Error(`init gave no ${URLS} URLs: ${response.status}`)
  return elapsed
}

async function timeSdk({ client, bucket }: TestBucket): Promise<number> {
  const parts = Array.from({ length: URLS }, (_, i) => ({ index: i + 1, size: CHUNK }))
  const request = {
    key: 'bench/bench.bin',
    multipartId: 'an id as long as those of a bucket are, more or less',
    checksum: 'none',
    parts,
    expiresInSeconds: 900,
  } as const
  const start = performance.now()
  await signBySdk({ client, bucket, signingDate: new Date() }, request, URLS)
  return performance.now() - start
}
