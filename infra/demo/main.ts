// The promise of Partway, shown in under a minute and with nothing installed: an upload survives the sudden
// death of the client and of the server with its bucket, no part is sent twice, and the object is the file,
// byte for byte.
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, rmSync } from 'node:fs'
import { mkdtemp, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { freePorts } from '../services/start.js'
import { DemoBucket } from './bucket.js'
import { kill, startDev, upload } from './partway.js'

const MIB = 1024 * 1024
const SIZE = 256 * MIB

const say = (text: string) => console.log(text)

async function show(folder: string): Promise<void> {
  const file = join(folder, 'holiday.mov')
  await writeRandomFile(file)
  say(`\n1. A file of ${inMib(SIZE)}, of random bytes.`)

  const [port, bucketPort] = await freePorts()
  const place = { port, bucketPort, folder: join(folder, 'state') }
  const url = `http://localhost:${port}`
  const first = await startDev(place)
  say(`2. partway dev serves ${url}, with a bucket of its own. partway upload begins.`)

  const confirmed = await uploadUntilHalf(file, url)
  say(`3. The client is killed (SIGKILL) when ${inMib(confirmed)} of ${inMib(SIZE)} are confirmed.`)

  await kill(first)
  const second = await startDev(place)
  say('4. The server and the bucket are killed (SIGKILL) too, and started again.')

  const bucket = await DemoBucket.connect(place)
  try {
    await goOn(file, { url, bucket, confirmed })
    await compare(file, bucket)
  } finally {
    bucket.close()
    await kill(second)
  }
}

/** Bytes that were confirmed when the client was killed. */
async function uploadUntilHalf(file: string, url: string): Promise<number> {
  let confirmed = 0
  const code = await upload(file, {
    ...{ url, concurrency: 2 },
    onLine: ({ type, acknowledged_bytes = 0 }, client) => {
      if (type !== 'progress' || acknowledged_bytes < SIZE / 2 || confirmed > 0) return
      confirmed = acknowledged_bytes
      client.kill('SIGKILL')
    },
  })
  if (code !== null) throw new Error('the upload was over before the client could be killed')
  return confirmed
}

interface Interrupted {
  readonly url: string
  readonly bucket: DemoBucket
  /** Bytes. */
  readonly confirmed: number
}

/** The client says what it skips; that it is so, the bucket says: its parts are as they were. */
async function goOn(file: string, { url, bucket, confirmed }: Interrupted): Promise<void> {
  const before = await bucket.parts()
  let skipped = 0
  let during: Map<number, string> | undefined
  await upload(file, {
    ...{ url, concurrency: 1 },
    onLine: async ({ type, acknowledged_bytes = 0, skipped_bytes = 0 }, client) => {
      if (type === 'resumed') skipped = skipped_bytes
      const isNew = type === 'progress' && skipped > 0 && acknowledged_bytes > skipped
      if (!isNew || during !== undefined) return
      // Held still, so that the upload is not over before it is looked at.
      client.kill('SIGSTOP')
      during = await bucket.parts()
      client.kill('SIGCONT')
    },
  })
  if (skipped < confirmed) throw new Error(`only ${inMib(skipped)} were not sent again`)
  const again = [...before].filter(([index, state]) => during?.get(index) !== state)
  if (during === undefined || during.size <= before.size || again.length > 0) {
    throw new Error(`the bucket had parts ${[...before.keys()]}, and has ${again} anew`)
  }
  say(`5. The same command again: ${inMib(skipped)} are there already, and the rest is sent.`)
  say(`   The bucket agrees: none of its ${before.size} parts was written again. Exit code 0.`)
}

async function compare(file: string, bucket: DemoBucket): Promise<void> {
  const [key, ...others] = await bucket.keys()
  if (key === undefined || others.length > 0) throw new Error('there is not exactly one object')
  const [local, stored] = await Promise.all([sha256Of(file), bucket.sha256(key)])
  if (local !== stored) throw new Error(`the object differs from the file: ${stored}, ${local}`)
  say(`6. The object, downloaded: the same SHA-256 as the file.\n   ${stored}\n   ${key}`)
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
  await show(folder)
  say('\nNothing was lost.')
} catch (error) {
  console.error('\nThe demo failed:', error instanceof Error ? error.message : error)
  process.exitCode = 1
}
