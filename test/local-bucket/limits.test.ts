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

/** The command line against the standalone server with limits, and a bucket, as they are. */

const MIB = 1024 * 1024

let local: TestLocalBucket
let server: RunningServer | undefined
let stores = 0

beforeAll(async () => {
  local = await startTestLocalBucket({ buckets: ['uploads'] })
})
afterAll(() => local.remove())
afterEach(async () => {
  await server?.stop()
  server = undefined
})

async function uploader(limits: Record<string, string>) {
  const outcome = readConfig({
    PARTWAY_PORT: '0',
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_S3_ENDPOINT: local.url,
    PARTWAY_STORE: `sqlite:${join(local.folder, `sessions-${++stores}.db`)}`,
    PARTWAY_SECRET: 'a secret of at least thirty-two bytes',
    ...limits,
  })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
  server = await startServer(outcome.config, {
    log: createLog('silent', { write: () => {} }),
    credentials: LOCAL_CREDENTIALS,
  })
  const { url } = server
  return async (name: string, size: number) => {
    const file = join(local.folder, name)
    await writeFile(file, randomBytes(size))
    const io = new FakeIo({ PARTWAY_SERVER: url })
    const code = await runCli(['upload', file], io)
    return { code, said: io.stderr.text }
  }
}

describe('partway upload at a limit', () => {
  it('says how much there may be, how much there is, and how much this is', async () => {
    const upload = await uploader({ PARTWAY_MAX_STORED_BYTES: '8MiB' })
    expect((await upload('first.bin', 6 * MIB)).code).toBe(0)
    const { code, said } = await upload('second.bin', 3 * MIB)
    expect(code).toBe(3)
    expect(said).toContain('You may store 8 MiB, of which 6 MiB are taken')
    expect(said).toContain('this one has 3 MiB')
  })

  it('does not wait for tomorrow', async () => {
    const upload = await uploader({ PARTWAY_MAX_UPLOADS_PER_DAY: '1' })
    expect((await upload('today.bin', MIB)).code).toBe(0)
    const { code, said } = await upload('tomorrow.bin', MIB)
    expect(code).toBe(3)
    expect(said).toContain('You may begin 1 upload a day, and have begun 1')
  })

  it.each([
    [{ PARTWAY_MAX_SIZE: '1MiB' }, 'at most 1 MiB (1048576 bytes), but is 2 MiB'],
    [{ PARTWAY_ALLOWED_EXTENSIONS: 'jpg,png' }, 'must end with one of .jpg, .png'],
  ])('is told what may be uploaded: %j', async (limits, words) => {
    const upload = await uploader(limits)
    const { code, said } = await upload('file.bin', 2 * MIB)
    expect(code).toBe(3)
    expect(said).toContain(words)
  })
})
