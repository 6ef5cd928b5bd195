import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run-cli.js'
import { readConfig } from '../../src/server/config.js'
import { createLog } from '../../src/server/logging.js'
import { type RunningServer, startServer } from '../../src/server/main.js'
import {
  LOCAL_CREDENTIALS,
  startTestLocalBucket,
  type TestLocalBucket,
} from '../helpers/local-bucket.js'
import { FakeIo } from '../unit/cli/support/fake-io.js'

/** The command line and the standalone server with its rates, as they are. */

const MIB = 1024 * 1024
const COUNT = 12

let local: TestLocalBucket
let server: RunningServer | undefined
let log: string
const files: string[] = []

beforeAll(async () => {
  local = await startTestLocalBucket({ buckets: ['uploads'] })
  for (let i = 0; i < COUNT; i++) {
    const file = join(local.folder, `${i}.bin`)
    await writeFile(file, randomBytes(i === 0 ? 6 * MIB : 10 + i))
    files.push(file)
  }
})
afterAll(() => local.remove())
afterEach(async () => {
  await server?.stop()
  server = undefined
})

async function start(env: Record<string, string>): Promise<string> {
  log = ''
  const outcome = readConfig({
    PARTWAY_PORT: '0',
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_S3_ENDPOINT: local.url,
    PARTWAY_STORE: 'sqlite::memory:',
    // So that no upload is known from before.
    PARTWAY_SECRET: randomBytes(32).toString('hex'),
    ...env,
  })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
  const write = (line: string) => {
    log += line
  }
  server = await startServer(outcome.config, {
    log: createLog('info', { write }),
    credentials: LOCAL_CREDENTIALS,
  })
  return server.url
}

const refusals = () => log.match(/"status":429/g)?.length ?? 0

describe('partway upload of many files', () => {
  it('waits where it is told to, and comes through', async () => {
    const url = await start({
      PARTWAY_RATE_INIT: '3/s',
      PARTWAY_RATE_PARTS: '3/s',
      PARTWAY_RATE_STATUS: '3/s',
      PARTWAY_RATE_COMPLETE: '3/s',
    })
    const io = new FakeIo({ PARTWAY_SERVER: url })
    expect(await runCli(['upload', '--json', ...files], io)).toBe(0)
    expect(io.messages.filter(({ type }) => type === 'completed')).toHaveLength(COUNT)
    expect(refusals()).toBeGreaterThan(0)
  })

  it('never meets the rates that hold by default', async () => {
    const url = await start({})
    const io = new FakeIo({ PARTWAY_SERVER: url })
    expect(await runCli(['upload', '--json', ...files], io)).toBe(0)
    expect(io.messages.filter(({ type }) => type === 'completed')).toHaveLength(COUNT)
    expect(refusals()).toBe(0)
  })
})

it('a proxy that is trusted says who is calling', async () => {
  const url = await start({ PARTWAY_TRUST_PROXY: 'loopback', PARTWAY_RATE_OTHER: '2/min' })
  const from = async (address: string) =>
    (await fetch(`${url}/uploads`, { headers: { 'X-Forwarded-For': address } })).status
  const statuses: number[] = []
  for (const address of ['192.0.2.1', '10.0.0.1, 192.0.2.1', '192.0.2.1', '192.0.2.2']) {
    statuses.push(await from(address))
  }
  expect(statuses).toEqual([200, 200, 429, 200])
})

it('rates can be turned off, and are then not told', async () => {
  const url = await start({ PARTWAY_RATE_OTHER: 'off' })
  const { headers } = await fetch(`${url}/uploads`)
  expect(headers.get('RateLimit-Limit')).toBeNull()
})
