// The API as its own OpenAPI document describes it, asked everything that can be made of that: no answer may be a 5xx, hang, or be
// other than what is described. Afterwards the server must still bring a file to the bucket.
import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kill, startDev, upload } from '../demo/partway.js'
import { cacheFolder } from '../services/cache.js'
import { findSchemathesis } from '../services/schemathesis.js'
import { freePorts } from '../services/start.js'

/** For each operation and kind of data. */
const EXAMPLES = process.env.PARTWAY_FUZZ_EXAMPLES ?? '150'
const SEED = process.env.PARTWAY_FUZZ_SEED ?? (process.env.CI ? '1' : `${randomInt(2 ** 31)}`)
const LONGEST_ANSWER_S = '10'
/** How often one may ask is tested elsewhere. Here it would hide what the answers are. */
const NO_RATES = Object.fromEntries(
  ['INIT', 'PARTS', 'STATUS', 'COMPLETE', 'OTHER'].map((group) => [`PARTWAY_RATE_${group}`, 'off']),
)

/**
 * A document cannot say everything, so valid as far as it goes may still be refused: how long a checksum is depends on how
 * the upload was begun.
 */
const UNFIT_CHECKS = ['positive_data_acceptance']

async function fuzz(url: string, folder: string): Promise<void> {
  const { command, args, env } = await findSchemathesis({
    ...{ cache: cacheFolder(process.env), path: process.env.PATH ?? '', log: console.log },
  })
  const options = [
    ...['--seed', SEED, '--max-examples', EXAMPLES, '--request-timeout', LONGEST_ANSWER_S],
    ...['--checks', 'all', '--exclude-checks', UNFIT_CHECKS.join(',')],
    ...['--phases', 'examples,coverage,fuzzing,stateful', '--warnings', 'off', '--no-color'],
    ...['--continue-on-failure', '--max-failures', '50', '--generation-database', 'none'],
  ]
  const child = spawn(command, [...args, 'run', `${url}/openapi.json`, ...options], {
    env: { ...process.env, ...env },
    // It leaves notes where it runs.
    cwd: folder,
    stdio: 'inherit',
  })
  const [code]: unknown[] = await once(child, 'close')
  if (code !== 0) throw new Error(`schemathesis ended with ${code}; its seed was ${SEED}`)
}

/** The server is still there, and does what it is for. */
async function expectServed(folder: string, url: string): Promise<void> {
  const file = join(folder, 'after-all.bin')
  await writeFile(file, randomBytes(6 * 1024 * 1024))
  const code = await upload(file, { url, concurrency: 2, onLine: () => {} })
  if (code !== 0) throw new Error(`the upload afterwards ended with ${code}`)
  console.log('The server still takes uploads.')
}

const folder = await mkdtemp(join(tmpdir(), 'partway-fuzz-'))
try {
  const [port, bucketPort] = await freePorts()
  const server = await startDev({ port, bucketPort, folder: join(folder, 'state'), env: NO_RATES })
  try {
    const url = `http://localhost:${port}`
    await fuzz(url, folder)
    await expectServed(folder, url)
  } finally {
    await kill(server)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
