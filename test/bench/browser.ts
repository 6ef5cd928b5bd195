import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { findChromium } from '../../infra/services/chromium.js'
import { findServices } from '../../infra/services/find-services.js'
import { hashBytes } from '../../src/checksum/node.js'
import { CoordinatorApi, nodePorts } from '../../src/client/node.js'
import { type ChecksumMode, MIB, type SignedPart } from '../../src/protocol/index.js'
import type { BareOptions, Uploaded } from '../browser/support/bench-page.js'
import { servePage } from '../browser/support/page-server.js'
import { ServerProcess } from '../helpers/programs.js'
import { createTestBucket } from '../helpers/s3-fixture.js'
import { BrowserWatch } from './browser-watch.js'
import { Line } from './line.js'
import { median } from './sign-by-sdk.js'
import { Tab } from './tab.js'

/**
 * How long a page in a real Chromium takes to upload a file of the disk to a real MinIO, and how long the same page
 * takes for bare `fetch` PUTs of the same parts over all six connections, completion included in both. The URLs of
 * the bare PUTs, and the checksums they are signed for, are made before the clock starts; one contender computes the
 * checksums once more while it sends, as whoever has no server that knows them must. Rounds of all alternate, so that a
 * change of the machine's pace meets all; the ratio is that of each round, because paces differ between rounds.
 *
 * `--mib 1024 --rounds 3`; `--line 1000` for a line of so many Mbit/s to the bucket.
 */

/** What browsers open to one host over HTTP/1.1. */
const CONNECTIONS = 6

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    line: { type: 'string' },
  },
})
const size = Number(values.mib) * MIB
const rounds = Number(values.rounds)
const log = (line: string) => console.error(line)
const { env } = process

interface Run {
  /** Of the object. */
  readonly key: string
  readonly seconds: number
  /** What took so long, in words. */
  readonly phases: string
}

interface Contender {
  readonly name: string
  readonly seconds: number[]
  run(): Promise<Run>
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
  const line =
    values.line === undefined
      ? undefined
      : await Line.open(new URL(fixture.endpoint), (Number(values.line) * 1_000_000) / 8)
  const server = await ServerProcess.start({
    ...(line === undefined ? {} : { publicEndpoint: line.url }),
    ...{ bucket: fixture.bucket, bucketUrl, store: `sqlite:${join(folder, 'sessions.db')}` },
    env: { PARTWAY_CORS_ORIGINS: pages.origin },
  })
  const tab = await Tab.open(program, `${pages.origin}/bench`)
  try {
    await tab.choose(file)
    const endpoint = server.url
    const contenders = [
      byClient(tab, endpoint),
      byFetch('fetch', { tab, endpoint, file, hashes: false }),
      byFetch('fetch that hashes', { tab, endpoint, file, hashes: true }),
    ]
    const watch = new BrowserWatch(tab)
    // The first round is not counted: whoever comes first in it warms up browser and bucket for the others.
    for (let round = 0; round <= rounds; round++) {
      for (const contender of contenders) {
        await watch.begin()
        const { seconds, key, phases } = await contender.run()
        const seen = await watch.end()
        if (round > 0) contender.seconds.push(seconds)
        console.log(
          `${contender.name.padEnd(18)} ${seconds.toFixed(2).padStart(6)} s (${phases})  ${seen}`,
        )
        await fixture.client.send(new DeleteObjectCommand({ Bucket: fixture.bucket, Key: key }))
      }
    }
    report(contenders)
  } finally {
    await tab.close()
    await line?.close()
    await server.kill('SIGTERM')
    await pages.stop()
    await fixture.remove()
  }
}

function byClient(tab: Tab, endpoint: string): Contender {
  return {
    name: 'createUpload',
    seconds: [],
    async run() {
      // Of another name each time, or there would be nothing to upload.
      const options = JSON.stringify({ endpoint, filename: `${randomUUID()}.bin` })
      const start = performance.now()
      const { key, reached } = await tab.evaluate<Uploaded>(`bench.upload(${options})`)
      const seconds = (performance.now() - start) / 1000
      const { uploading = 0, completing = 0, completed = 0 } = reached
      const phases = `${ms(uploading)} to begin, ${ms(completing - uploading)} parts, ${ms(completed - completing)} completion`
      return { seconds, key, phases }
    },
  }
}

interface Bare {
  readonly tab: Tab
  readonly endpoint: string
  readonly file: string
  readonly hashes: boolean
}

function byFetch(name: string, { tab, endpoint, file, hashes }: Bare): Contender {
  const ports = nodePorts({ concurrency: 1 })
  const api = new CoordinatorApi({ server: endpoint, ports })
  const options = { signal: new AbortController().signal }
  return {
    name,
    seconds: [],
    async run() {
      const upload = await api.init({ filename: `${randomUUID()}.bin`, size }, options)
      const { uploadId } = upload
      const toSign = await partsOf(file, upload.chunkSize, upload.checksum)
      const parts: SignedPart[] = []
      for (let at = 0; at < toSign.length; at += 64) {
        const sign = toSign.slice(at, at + 64)
        parts.push(...(await api.parts({ uploadId, sign }, options)).parts)
      }
      const bare: BareOptions = { connections: CONNECTIONS, hashes }
      const call = `bench.sendBare(${JSON.stringify(parts)}, ${JSON.stringify(bare)})`
      const start = performance.now()
      const etags = await tab.evaluate<string[]>(call)
      const sent = performance.now()
      const uploaded = toSign.map((part, i) => ({ ...part, etag: etags[i] ?? '' }))
      const { object } = await api.complete({ uploadId, parts: uploaded }, options)
      const end = performance.now()
      ports.transport.close()
      if (object === undefined) throw new Error('it was not completed')
      const phases = `${ms(sent - start)} parts, ${ms(end - sent)} completion`
      return { seconds: (end - start) / 1000, key: object.key, phases }
    },
  }
}

function ms(time: number): string {
  return `${Math.round(time)} ms`
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

function report([client, ...bare]: readonly Contender[]): void {
  if (client === undefined) return
  console.log(`createUpload: ${speed(client)}`)
  for (const { name, seconds } of bare) {
    const ratios = seconds.map((one, round) => (client.seconds[round] ?? Number.NaN) / one)
    const all = ratios.map((ratio) => ratio.toFixed(2)).join(', ')
    console.log(
      `${name}: ${speed({ seconds })}; createUpload takes ${median(ratios).toFixed(2)} x (${all})`,
    )
  }
}

function speed({ seconds }: Pick<Contender, 'seconds'>): string {
  return `${(size / MIB / median(seconds)).toFixed(0)} MiB/s`
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
