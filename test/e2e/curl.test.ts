import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PartGate } from '../helpers/part-gate.js'
import { ServerProcess } from '../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { minioUrl } from '../helpers/services.js'
import { sha256OfFile, sha256OfObject, writeRandomFile } from './files.js'

const SCRIPT = fileURLToPath(new URL('../../examples/upload.sh', import.meta.url))
const run = promisify(execFile)

let folder: string
let fixture: TestBucket
let gate: PartGate
let server: ServerProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-e2e-'))
  fixture = await createTestBucket(minioUrl())
  gate = new PartGate(fixture.endpoint)
  server = await ServerProcess.start({
    bucket: fixture.bucket,
    bucketUrl: minioUrl(),
    store: `sqlite:${join(folder, 'sessions.db')}`,
    publicEndpoint: await gate.start(),
  })
})
afterAll(async () => {
  await server.kill('SIGTERM')
  await gate.stop()
  await fixture.remove()
  await rm(folder, { recursive: true })
})

// Where `CI` is set, the set-up has failed before this could hide anything.
it.skipIf(minioUrl() === '')(
  'uploads a file with the ten-line shell script, and only the rest after a failure',
  async () => {
    const path = join(folder, 'from a shell.bin')
    await writeRandomFile(path, 21)
    gate.limit(2)
    await expect(run(SCRIPT, [path, server.url], { timeout: 3_000 })).rejects.toThrow()
    expect(gate.stored).toEqual([1, 2])
    // The script was killed, its curl was not.
    gate.drop()
    gate.limit(Number.POSITIVE_INFINITY)
    const { stdout } = await run(SCRIPT, [path, server.url])
    expect(gate.stored).toEqual([1, 2, 3])
    const { state, object } = JSON.parse(stdout)
    expect(state).toBe('completed')
    expect(await sha256OfObject(fixture.client, object)).toBe(await sha256OfFile(path))
  },
)
