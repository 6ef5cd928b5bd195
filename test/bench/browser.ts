import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import type { Page } from 'playwright-core'
import { findChromium } from '../../infra/services/chromium.js'
import { findServices } from '../../infra/services/find-services.js'
import { hashBytes } from '../../src/checksum/node.js'
import { CoordinatorApi, nodePorts } from '../../src/client/node.js'
import { type ChecksumMode, MIB, type SignedPart } from '../../src/protocol/index.js'
import { launchChromium } from '../browser/support/launch-chromium.js'
import { servePage } from '../browser/support/page-server.js'
import { ServerProcess } from '../helpers/programs.js'
import { createTestBucket } from '../helpers/s3-fixture.js'
import { BrowserWatch } from './browser-watch.js'
import { median } from './sign-by-sdk.js'

/**
 * How long a page in a real Chromium takes to upload a file of the disk to a real MinIO, and how long the same page
 * takes for bare `fetch` PUTs of the same parts over all six connections, completion included in both. The URLs of
 * the bare PUTs, and the checksums they are signed for, are made before the clock starts. Rounds of all alternate, so
 * that a change of the machine's pace meets all; each figure is the median of its rounds.
 *
 * `--mib 1024 --rounds 3`
 */

/** What browsers open to one host over HTTP/1.1. */
const CONNECTIONS = 6

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
  },
})
const size = Number(values.mib) * MIB
const rounds = Number(values.rounds)
const log = (line: string) => console.error(line)
const { env } = process

interface Contender {
  readonly name: string
  readonly seconds: number[]
  /** Resolves to the seconds that it took, and the key of the object. */
  run(): Promise<{ readonly seconds: number; readonly key: string }>
}

const services = await findServices({ want: ['minio'], log })
const chromium = await findChromium({ env, isRoot: process.getuid?.() === 0, log })
const folder = await mkdtemp(join(tmpdir(), 'partway-bench-'))
try {
  const bucketUrl = services.urls.minio
  if (bucketUrl === undefined || chromium.kind === 'missing') {
    throw new Error('it needs a MinIO and a Chromium')
  }
  await bench(bucketUrl, chromium.program)
} finally {
  await services.stop()
  await rm(folder, { recursive: true })
}

async function bench(bucketUrl: string, program: string): Promise<void> {
  const file = join(folder, 'file.bin')
  await writeFile(file)
  const fixture = await createTestBucket(bucketUrl)
  const pages = await servePage()
  const server = await ServerProcess.start({
    ...{ bucket: fixture.bucket, bucketUrl, store: `sqlite:${join(folder, 'sessions.db')}` },
    env: { PARTWAY_CORS_ORIGINS: pages.origin },
  })
  const browser = await launchChromium(program)
  try {
    const page = await browser.newPage()
    await page.goto(`${pages.origin}/bench`)
    await page.waitForFunction(() => document.title === 'ready')
    await page.setInputFiles('input', file)
    const endpoint = server.url
    const contenders = [
      byClient(page, endpoint),
      byFetch('fetch', 'sha256', { page, endpoint, file }),
      byFetch('fetch, no checksum', 'none', { page, endpoint, file }),
    ]
    const watch = await BrowserWatch.start(page)
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) {
        await watch.begin()
        const { seconds, key } = await contender.run()
        const seen = await watch.end()
        contender.seconds.push(seconds)
        console.log(`${contender.name.padEnd(20)} ${seconds.toFixed(2).padStart(6)} s   ${seen}`)
        await fixture.client.send(new DeleteObjectCommand({ Bucket: fixture.bucket, Key: key }))
      }
    }
    report(contenders)
  } finally {
    await browser.close()
    await server.kill('SIGTERM')
    await pages.stop()
    await fixture.remove()
  }
}

function byClient(page: Page, endpoint: string): Contender {
  return {
    name: 'createUpload',
    seconds: [],
    async run() {
      // Of another name each time, or there would be nothing to upload.
      const options = { endpoint, filename: `${randomUUID()}.bin` }
      const start = performance.now()
      const key = await page.evaluate((given) => window.bench.upload(given), options)
      return { seconds: (performance.now() - start) / 1000, key }
    },
  }
}

function byFetch(
  name: string,
  checksum: ChecksumMode,
  {
    page,
    endpoint,
    file,
  }: { readonly page: Page; readonly endpoint: string; readonly file: string },
): Contender {
  const ports = nodePorts({ concurrency: 1 })
  const api = new CoordinatorApi({ server: endpoint, ports })
  const options = { signal: new AbortController().signal }
  return {
    name,
    seconds: [],
    async run() {
      const upload = await api.init({ filename: `${randomUUID()}.bin`, size, checksum }, options)
      const { uploadId } = upload
      const toSign = await partsOf(file, upload.chunkSize, checksum)
      const parts: SignedPart[] = []
      for (let at = 0; at < toSign.length; at += 64) {
        const sign = toSign.slice(at, at + 64)
        parts.push(...(await api.parts({ uploadId, sign }, options)).parts)
      }
      const start = performance.now()
      const etags = await page.evaluate(
        ([signed, connections]) => window.bench.sendBare(signed, connections),
        [parts, CONNECTIONS] as const,
      )
      const uploaded = toSign.map((part, i) => ({ ...part, etag: etags[i] ?? '' }))
      const { object } = await api.complete({ uploadId, parts: uploaded }, options)
      const seconds = (performance.now() - start) / 1000
      ports.transport.close()
      if (object === undefined) throw new Error('it was not completed')
      return { seconds, key: object.key }
    },
  }
}

async function partsOf(path: string, chunkSize: number, mode: ChecksumMode) {
  const handle = await open(path)
  const parts: { index: number; checksum?: string }[] = []
  const bytes = Buffer.alloc(chunkSize)
  for (let index = 1; (index - 1) * chunkSize < size; index++) {
    const { bytesRead } = await handle.read(bytes, 0, chunkSize, (index - 1) * chunkSize)
    const read = bytes.subarray(0, bytesRead)
    parts.push(mode === 'none' ? { index } : { index, checksum: await hashBytes(mode, read) })
  }
  await handle.close()
  return parts
}

function report(contenders: readonly Contender[]): void {
  const [client = Number.NaN, ...bare] = contenders.map(({ seconds }) => median(seconds))
  console.log(`createUpload: ${(size / MIB / client).toFixed(0)} MiB/s`)
  bare.forEach((seconds, i) => {
    const { name } = contenders[i + 1] ?? { name: '' }
    const speed = (size / MIB / seconds).toFixed(0)
    console.log(`${name}: ${speed} MiB/s; createUpload takes ${(client / seconds).toFixed(2)} x`)
  })
}

async function writeFile(path: string): Promise<void> {
  const handle = await open(path, 'w')
  try {
    const block = randomBytes(16 * MIB)
    for (let written = 0; written < size; written += block.length) {
      block.writeUInt32LE(written / MIB)
      await handle.write(block, 0, Math.min(block.length, size - written))
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}
