import { randomBytes } from 'node:crypto'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run-cli.js'
import { newToken } from '../../src/server/auth/token-lines.js'
import { readConfig } from '../../src/server/config.js'
import { createLog } from '../../src/server/logging.js'
import { type RunningServer, startServer } from '../../src/server/main.js'
import {
  LOCAL_CREDENTIALS,
  startTestLocalBucket,
  type TestLocalBucket,
} from '../helpers/local-bucket.js'
import { FakeIo } from '../unit/cli/support/fake-io.js'

/** The command line, the standalone server and a bucket, as they are. */

const MIB = 1024 * 1024
const OLD = 'the old secret of at least 32 bytes'
const NEW = 'the new secret of at least 32 bytes'
const ada = newToken('ada')

let local: TestLocalBucket
let file: string
let tokens: string
let server: RunningServer | undefined
let log: string

beforeAll(async () => {
  local = await startTestLocalBucket({ buckets: ['uploads'] })
  file = join(local.folder, 'film.mkv')
  tokens = join(local.folder, 'tokens')
  await writeFile(file, randomBytes(20 * MIB + 1))
  await writeFile(tokens, `${ada.line}\n`)
})
afterAll(() => local.remove())
afterEach(async () => {
  await server?.stop()
  server = undefined
})

async function start(secret: string): Promise<string> {
  log = ''
  const outcome = readConfig({
    PARTWAY_PORT: '0',
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_S3_ENDPOINT: local.url,
    PARTWAY_STORE: `sqlite:${join(local.folder, 'sessions.db')}`,
    PARTWAY_SECRET: secret,
    PARTWAY_AUTH: 'token',
    PARTWAY_TOKENS_FILE: tokens,
  })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
  const write = (line: string) => {
    log += line
  }
  server = await startServer(outcome.config, {
    log: createLog('debug', { write }),
    credentials: LOCAL_CREDENTIALS,
  })
  return server.url
}

const UPLOAD = ['upload', '--json', '--concurrency', '1', '--chunk-size', '5MiB']

/** A process that is stopped by Ctrl-C when the first part has arrived. */
class InterruptedIo extends FakeIo {
  constructor(env: NodeJS.ProcessEnv) {
    super(env)
    const write = this.stdout._write.bind(this.stdout)
    this.stdout._write = (chunk, encoding, done) => {
      write(chunk, encoding, done)
      const isUnderWay = this.messages.some(({ acknowledged_bytes: bytes }) => Number(bytes) > 0)
      if (isUnderWay && this.listenerCount('SIGINT') > 0) this.emit('SIGINT')
    }
  }
}

const idIn = (io: FakeIo) => io.messages.find(({ type }) => type === 'init')?.upload_id

describe('partway upload to a server with tokens', () => {
  it('is refused without a token, and with one that the file does not have', async () => {
    const url = await start(OLD)
    for (const token of ['', newToken('ada').token]) {
      const io = new FakeIo({ PARTWAY_SERVER: url, PARTWAY_TOKEN: token })
      expect(await runCli([...UPLOAD, file], io)).toBe(3)
      expect(io.messages.at(-1)).toMatchObject({ code: 'UNAUTHENTICATED' })
    }
  })

  it('is taken as soon as the token is in the file', async () => {
    const url = await start(OLD)
    const bob = new FakeIo()
    await runCli(['token', 'bob'], bob)
    await appendFile(tokens, bob.stdout.text)
    const env = { PARTWAY_SERVER: url, PARTWAY_TOKEN: bob.stderr.text.trim() }
    const upload = () => runCli([...UPLOAD, file], new FakeIo(env))
    await expect.poll(upload, { timeout: 15_000 }).toBe(0)
    expect(log).toContain('"event":"auth.tokens","tokens":2')
    expect(log).not.toContain(env.PARTWAY_TOKEN)
  })
})

describe('an upload that was begun before the secret was changed', () => {
  it('goes on where it was, after the server was started with the new one', async () => {
    const env = { PARTWAY_TOKEN: ada.token }
    const before = new InterruptedIo({ ...env, PARTWAY_SERVER: await start(OLD) })
    expect(await runCli([...UPLOAD, file], before)).toBe(130)
    await server?.stop()

    const after = new FakeIo({ ...env, PARTWAY_SERVER: await start(`${NEW},${OLD}`) })
    expect(await runCli([...UPLOAD, file], after)).toBe(0)
    expect(idIn(after)).toBe(idIn(before))
    const resumed = after.messages.find(({ type }) => type === 'resumed')
    expect(resumed?.skipped_parts).toBeGreaterThanOrEqual(1)
    expect(after.messages.at(-1)).toMatchObject({
      type: 'completed',
      object: { key: `${idIn(before)}/film.mkv`, size: 20 * MIB + 1 },
    })
  })
})
