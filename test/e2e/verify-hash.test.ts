import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PartwayProcess, ServerProcess } from '../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { minioUrl, redisUrl, versitygwUrl } from '../helpers/services.js'
import { sha256OfFile, writeRandomFile } from './files.js'

const MISMATCH = 6

/** On its way to the bucket, one byte of each part is changed, as bad memory in a router would. */
class BadWire {
  isBad = false
  readonly #target: URL
  readonly #server = createServer((req, res) => {
    const { method, headers, url: path } = req
    const { hostname, port } = this.#target
    const onward = request({ hostname, port, path, method, headers }, (reply) => {
      res.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(res)
    })
    onward.on('error', () => res.destroy())
    req.on('error', () => onward.destroy())
    req.pipe(this.#wire()).pipe(onward)
  })

  constructor(bucketUrl: string) {
    this.#target = new URL(bucketUrl)
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #wire(): Transform {
    let isFirst = this.isBad
    return new Transform({
      transform(chunk: Buffer, _, done) {
        const bytes = Buffer.from(chunk)
        if (isFirst) bytes[0] = (bytes[0] ?? 0) ^ 1
        isFirst = false
        done(null, bytes)
      },
    })
  }
}

// Where `CI` is set, the set-up has failed before this could hide anything.
describe.skipIf(minioUrl() === '' || redisUrl() === '' || versitygwUrl() === '').each([
  { store: 'redis', on: 'MinIO', bucketUrl: minioUrl() },
  { store: 'sqlite', on: 'VersityGW', bucketUrl: versitygwUrl() },
])('partway upload --verify-hash ($store, $on)', ({ store, bucketUrl }) => {
  let folder: string
  let path: string
  let fixture: TestBucket
  let wire: BadWire
  let server: ServerProcess

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'partway-hash-'))
    path = join(folder, 'file.bin')
    await writeRandomFile(path, 20)
  })
  afterAll(() => rm(folder, { recursive: true }))

  beforeEach(async () => {
    fixture = await createTestBucket(bucketUrl)
    wire = new BadWire(fixture.endpoint)
    server = await ServerProcess.start({
      bucket: fixture.bucket,
      bucketUrl,
      store: store === 'redis' ? redisUrl() : `sqlite:${join(folder, `${fixture.bucket}.db`)}`,
      publicEndpoint: await wire.start(),
    })
  })
  afterEach(async () => {
    await server.kill('SIGTERM')
    await wire.stop()
    await fixture.remove()
  })

  async function upload(...flags: string[]) {
    const run = new PartwayProcess(['upload', path, '--server', server.url, '--json', ...flags])
    const { code, stderr } = await run.ended
    const completed = run.events.find((event) => event.type === 'completed')
    return { code, stderr, object: completed?.object }
  }

  async function objects(): Promise<number> {
    const reply = await fixture.client.send(new ListObjectsV2Command({ Bucket: fixture.bucket }))
    return (reply.Contents ?? []).filter(({ Key = '' }) => Key.endsWith('file.bin')).length
  }

  it('ends when the server has read the object and found that hash', async () => {
    const sha256 = await sha256OfFile(path)
    const flags = ['--checksum', 'none', '--verify-hash', 'sha256']
    const { code, stderr, object } = await upload(...flags)
    expect(code, stderr).toBe(0)
    expect(object).toMatchObject({ sha256 })
  })

  it('can be asked for of an upload that is completed', async () => {
    expect((await upload()).code).toBe(0)
    const { code, stderr, object } = await upload('--verify-hash', 'md5')
    expect(code, stderr).toBe(0)
    expect(object).toMatchObject({ md5: expect.stringMatching(/^[0-9a-f]{32}$/) })
  })

  it('finds what was changed on its way, where nothing else does, and makes no such object', async () => {
    wire.isBad = true
    const flags = ['--checksum', 'none', '--verify-hash', 'sha256']
    expect(await upload(...flags)).toMatchObject({ code: MISMATCH })
    expect(await objects()).toBe(0)
    wire.isBad = false
    expect(await upload(...flags)).toMatchObject({ code: 0 })
    expect(await objects()).toBe(1)
  })
})
