import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PartGate } from '../helpers/part-gate.js'
import { PartwayProcess, ServerProcess, type ServerSettings, until } from '../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { minioUrl, ownRedisUrl, redisUrl, versitygwUrl } from '../helpers/services.js'
import { sha256OfFile, sha256OfObject, writeRandomFile } from './files.js'

/** The file is this many MiB, in parts of 8; `PARTWAY_E2E_MIB=1024` makes it a GiB. */
const MEBIBYTES = Number(process.env.PARTWAY_E2E_MIB ?? 128)
const PARTS = MEBIBYTES / 8

// Where `CI` is set, the set-up has failed before this could hide anything.
describe.skipIf(minioUrl() === '' || redisUrl() === '' || versitygwUrl() === '').each([
  { store: 'redis', on: 'MinIO', bucketUrl: minioUrl() },
  { store: 'sqlite', on: 'MinIO', bucketUrl: minioUrl() },
  { store: 'sqlite', on: 'VersityGW', bucketUrl: versitygwUrl() },
])('an upload that is killed half-way ($store, $on)', ({ store, bucketUrl }) => {
  let folder: string
  let path: string
  let sha256: string
  let fixture: TestBucket
  let gate: PartGate
  let settings: ServerSettings
  let server: ServerProcess

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'partway-e2e-'))
    path = join(folder, 'big file.bin')
    await writeRandomFile(path, MEBIBYTES)
    sha256 = await sha256OfFile(path)
  })
  afterAll(() => rm(folder, { recursive: true }))

  beforeEach(async () => {
    fixture = await createTestBucket(bucketUrl)
    gate = new PartGate(fixture.endpoint)
    settings = {
      bucket: fixture.bucket,
      bucketUrl,
      store: store === 'redis' ? ownRedisUrl() : `sqlite:${join(folder, `${randomUUID()}.db`)}`,
      publicEndpoint: await gate.start(),
    }
    server = await ServerProcess.start(settings)
  })
  afterEach(async () => {
    await server.kill('SIGTERM')
    await gate.stop()
    await fixture.remove()
  })

  const upload = () => new PartwayProcess(['upload', path, '--server', server.url, '--json'])

  async function killHalfWay(): Promise<void> {
    gate.limit(PARTS / 2)
    const first = upload()
    await until(() => gate.stored.length === PARTS / 2, 'half of the parts to be stored')
    expect((await first.kill('SIGKILL')).signal).toBe('SIGKILL')
    gate.limit(Number.POSITIVE_INFINITY)
  }

  const expectRestOnly = () => expectWhole(upload())

  async function expectWhole(run: PartwayProcess): Promise<void> {
    const { code, stderr } = await run.ended
    expect(code, stderr).toBe(0)
    expect(gate.stored).toHaveLength(PARTS)
    expect(new Set(gate.stored).size).toBe(PARTS)
    const completed = run.events.find((event) => event.type === 'completed')
    const { key } = (completed?.object ?? {}) as { readonly key?: string }
    const object = { bucket: fixture.bucket, key: key ?? 'no key was printed' }
    expect(await sha256OfObject(fixture.client, object)).toBe(sha256)
  }

  it('sends only what is missing when it is run again', async () => {
    await killHalfWay()
    await expectRestOnly()
  })

  it('goes on after the server was killed in between, too', async () => {
    await killHalfWay()
    await server.kill('SIGKILL')
    server = await ServerProcess.start(settings, server.port)
    await expectRestOnly()
  })

  it('goes on by itself when the server is killed and comes back while it runs', async () => {
    gate.limit(PARTS / 2)
    const running = upload()
    await until(() => gate.stored.length === PARTS / 2, 'half of the parts to be stored')
    await until(() => gate.waiting > 0, 'a part that is signed and on its way')
    await server.kill('SIGKILL')
    gate.limit(Number.POSITIVE_INFINITY)
    await until(() => gate.stored.length > PARTS / 2, 'parts that were signed before to be stored')
    server = await ServerProcess.start(settings, server.port)
    await expectWhole(running)
  })

  it('has nothing to send when it is run a third time', async () => {
    await upload().ended
    const sent = gate.stored.length
    const again = upload()
    expect((await again.ended).code).toBe(0)
    expect(again.events.at(-1)?.type).toBe('completed')
    expect(gate.stored).toHaveLength(sent)
  })
})
