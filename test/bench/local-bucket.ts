import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { GIB, MIB } from '../../src/protocol/index.js'
import { LocalBucketProcess } from '../helpers/local-bucket-process.js'
import { ServerProcess } from '../helpers/programs.js'
import { createTestBucket } from '../helpers/s3-fixture.js'
import { median } from './sign-by-sdk.js'

/**
 * How long `partway upload` takes for 1 GiB into the embedded bucket, and into a MinIO in the same run
 * (`PARTWAY_TEST_MINIO_URL`); and the memory of the embedded bucket's process. Rounds of both alternate, so that a
 * change of the machine's pace meets both; each figure is the median of its rounds.
 */

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const SIZE = GIB
const ROUNDS = 3
const minioUrl = process.env.PARTWAY_TEST_MINIO_URL ?? ''

const folder = await mkdtemp(join(tmpdir(), 'partway-bench-'))
const local = await LocalBucketProcess.start(join(folder, 'bucket'))
try {
  const file = join(folder, 'file.bin')
  await writeFile(file)
  const before = await local.memory()
  const targets = [
    { name: 'embedded bucket', url: local.serviceUrl, seconds: [] as number[] },
    ...(minioUrl === '' ? [] : [{ name: 'MinIO', url: minioUrl, seconds: [] as number[] }]),
  ]
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, url, seconds } of targets) {
      seconds.push(await timeUpload(url, file))
      console.log(`${name}: ${seconds.at(-1)?.toFixed(2)} s`)
    }
    console.log(`  memory of the embedded bucket: ${mib(await local.memory())}`)
  }
  console.log(`memory: ${mib(before)} before, ${mib(await local.peakMemory())} at most`)
  const [ours = Number.NaN, others] = targets.map(({ seconds }) => median(seconds))
  console.log(`embedded bucket: ${(SIZE / MIB / ours).toFixed(0)} MiB/s`)
  if (others === undefined) console.log('NOT COMPARED: PARTWAY_TEST_MINIO_URL names no MinIO')
  else console.log(`${((others / ours) * 100).toFixed(0)} % of the speed of MinIO`)
} finally {
  await local.kill()
  await rm(folder, { recursive: true })
}

async function timeUpload(bucketUrl: string, file: string): Promise<number> {
  const fixture = await createTestBucket(bucketUrl)
  const store = `sqlite:${join(folder, `${fixture.bucket}.db`)}`
  const server = await ServerProcess.start({ bucket: fixture.bucket, bucketUrl, store })
  try {
    const start = performance.now()
    await promisify(execFile)(process.execPath, [CLI, 'upload', file, '--server', server.url])
    return (performance.now() - start) / 1000
  } finally {
    await server.kill('SIGTERM')
    await fixture.remove()
  }
}

async function writeFile(path: string): Promise<void> {
  const handle = await open(path, 'w')
  try {
    const block = randomBytes(16 * MIB)
    for (let written = 0; written < SIZE; written += block.length) {
      block.writeUInt32LE(written / MIB)
      await handle.write(block)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
