// The promise of Partway, shown in under a minute: an upload survives the sudden death of the client
// and of the server, sends no part twice, and the object is the file, byte for byte.
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, rmSync } from 'node:fs'
import { mkdtemp, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { findServices } from '../services/find-services.js'
import { missingNotice } from '../services/report.js'
import { freePorts } from '../services/start.js'
import { DemoBucket } from './bucket.js'
import { kill, type Settings, serve, upload } from './partway.js'

const MIB = 1024 * 1024
const SIZE = 256 * MIB

const say = (text: string) => console.log(text)

async function main(folder: string): Promise<void> {
  const services = await findServices({ want: ['minio'], log: say })
  try {
    if (services.urls.minio === undefined) throw new Error(missingNotice(services.missing))
    const bucket = new DemoBucket(services.urls.minio)
    await bucket.create()
    try {
      await show(bucket, folder)
    } finally {
      await bucket.remove()
    }
  } finally {
    await services.stop()
  }
}

async function show(bucket: DemoBucket, folder: string): Promise<void> {
  const file = join(folder, 'holiday.mov')
  await writeRandomFile(file)
  say(`\n1. A file of ${SIZE / MIB} MiB of random bytes, and an empty bucket on MinIO.`)

  const [port] = await freePorts()
  const url = `http://127.0.0.1:${port}`
  const settings = settingsFor(bucket, { folder, port })
  const first = await serve(url, settings)
  say(`2. partway serve listens on ${url}; partway upload begins.`)

  const confirmed = await uploadUntilHalf(file, { url, settings })
  say(`3. The client is killed (SIGKILL) when ${inMib(confirmed)} of ${inMib(SIZE)} are confirmed.`)

  await kill(first)
  const second = await serve(url, settings)
  say('4. The server is killed (SIGKILL) too, and started again.')

  const skipped = await uploadToTheEnd(file, { url, settings })
  await kill(second)
  if (skipped < confirmed) throw new Error(`only ${inMib(skipped)} were not sent again`)
  say(
    `5. The same command again: ${inMib(skipped)} are there already, the rest is sent. Exit code 0.`,
  )

  const [key, ...others] = await bucket.keys()
  if (key === undefined || others.length > 0) throw new Error('there is not exactly one object')
  const [local, stored] = await Promise.all([sha256Of(file), bucket.sha256(key)])
  if (local !== stored) throw new Error(`the object differs from the file: ${stored}, ${local}`)
  say(`6. The object, downloaded: the same SHA-256 as the file.\n   ${stored}\n   ${key}`)
}

function settingsFor(bucket: DemoBucket, at: { folder: string; port: number }): Settings {
  return {
    PARTWAY_BUCKET: bucket.name,
    PARTWAY_S3_ENDPOINT: bucket.endpoint,
    PARTWAY_STORE: `sqlite:${join(at.folder, 'sessions.db')}`,
    PARTWAY_SECRET: randomBytes(32).toString('hex'),
    PARTWAY_PORT: String(at.port),
    AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
  }
}

interface Target {
  readonly url: string
  readonly settings: Settings
}

/** Bytes that were confirmed when the client was killed. */
async function uploadUntilHalf(file: string, target: Target): Promise<number> {
  let confirmed = 0
  const code = await upload(file, {
    ...target,
    onLine: ({ type, acknowledged_bytes = 0 }, client) => {
      if (type !== 'progress' || acknowledged_bytes < SIZE / 2 || confirmed > 0) return
      confirmed = acknowledged_bytes
      client.kill('SIGKILL')
    },
  })
  if (code !== null) throw new Error('the upload was over before the client could be killed')
  return confirmed
}

/** Bytes that did not have to be sent again. */
async function uploadToTheEnd(file: string, target: Target): Promise<number> {
  let skipped = 0
  await upload(file, {
    ...target,
    onLine: ({ type, skipped_bytes = 0 }) => {
      if (type === 'resumed') skipped = skipped_bytes
    },
  })
  return skipped
}

async function writeRandomFile(path: string): Promise<void> {
  await using file = await open(path, 'wx')
  for (let written = 0; written < SIZE; written += MIB) await file.write(randomBytes(MIB))
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

function inMib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}

const folder = await mkdtemp(join(tmpdir(), 'partway-demo-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  await main(folder)
  say('\nNothing was lost.')
} catch (error) {
  console.error('\nThe demo failed:', error instanceof Error ? error.message : error)
  process.exitCode = 1
}
