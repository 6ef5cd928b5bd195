import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { initReply, MIB, statusReply } from '../../src/protocol/index.js'
import { readConfig } from '../../src/server/config.js'
import { createLog } from '../../src/server/logging.js'
import { type RunningServer, startServer } from '../../src/server/main.js'
import { DevProcess } from '../helpers/dev-process.js'
import {
  LOCAL_CREDENTIALS,
  startTestLocalBucket,
  type TestLocalBucket,
} from '../helpers/local-bucket.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { FourRoutesClient } from './support/four-routes-client.js'

let local: TestLocalBucket
let fixture: TestBucket
let server: RunningServer

beforeAll(async () => {
  local = await startTestLocalBucket()
  fixture = await createTestBucket(local.serviceUrl)
  server = await start({ PARTWAY_RELAY: 'true' })
})
afterAll(async () => {
  await server?.stop()
  await fixture?.remove()
  await local.remove()
})

async function start(env: Record<string, string>): Promise<RunningServer> {
  const outcome = readConfig({
    PARTWAY_PORT: '0',
    PARTWAY_BUCKET: fixture.bucket,
    PARTWAY_S3_ENDPOINT: local.url,
    // Clients would be told of a bucket that they cannot reach.
    PARTWAY_S3_PUBLIC_ENDPOINT: 'http://bucket.invalid',
    PARTWAY_STORE: 'sqlite::memory:',
    PARTWAY_SECRET: randomBytes(32).toString('hex'),
    ...env,
  })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
  const log = createLog('silent', { write: () => {} })
  return await startServer(outcome.config, { log, credentials: LOCAL_CREDENTIALS })
}

describe('a client of the four routes', () => {
  it.each(['md5', 'sha256'] as const)(
    'uploads, is broken off, goes on and merges, with %s of its chunks',
    async (chunkHash) => {
      const bytes = randomBytes(17 * MIB + 123)
      const file = { name: `${chunkHash}.bin`, bytes, chunkSize: 5 * MIB }
      const first = await new FourRoutesClient(server.url, chunkHash).send(file, 2)
      expect(first.sent).toEqual([1, 2])
      const client = new FourRoutesClient(server.url, chunkHash)
      const second = await client.send(file)
      expect(second).toEqual({ uploadId: first.uploadId, sent: [3, 4] })
      expect(await client.merge(first.uploadId)).toBe('completed')
      const reply = await fetch(`${server.url}/upload/status?upload_id=${first.uploadId}`)
      const { object } = statusReply.parse(await reply.json())
      const { Body } = await fixture.client.send(
        new GetObjectCommand({ Bucket: fixture.bucket, Key: object?.key }),
      )
      const stored = Buffer.from((await Body?.transformToByteArray()) ?? [])
      expect(stored.equals(bytes)).toBe(true)
    },
  )

  it('gets nowhere without the relay', async () => {
    const other = await start({})
    try {
      const file = { name: 'a', bytes: randomBytes(10), chunkSize: 10 }
      const client = new FourRoutesClient(other.url, 'md5')
      await expect(client.send(file)).rejects.toThrow('chunk 1: 404')
      const description = await (await fetch(`${other.url}/openapi.json`)).text()
      expect(description).not.toContain('/upload/chunk')
    } finally {
      await other.stop()
    }
  })
})

describe('a server with the relay', () => {
  it('describes it', async () => {
    const description = await (await fetch(`${server.url}/openapi.json`)).text()
    expect(description).toContain('/upload/chunk')
  })

  it('answers a request that never comes to its end with 408', async () => {
    const quick = await start({ PARTWAY_RELAY: 'true', PARTWAY_RELAY_TIMEOUT: '1s' })
    try {
      const { upload_id } = await begun(quick.url, 5 * MIB)
      const { port } = new URL(quick.url)
      const socket = createConnection({ host: '127.0.0.1', port: Number(port) })
      const query = `upload_id=${upload_id}&index=1&content_hash=${'a'.repeat(32)}`
      socket.write(
        `POST /upload/chunk?${query} HTTP/1.1\r\nHost: a\r\nContent-Length: ${5 * MIB + 200}\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n`,
      )
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 [\s\S]*BODY_TOO_SLOW/)
    } finally {
      await quick.stop()
    }
  })

  it('passes 256 MiB on without having more than a little of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partway-relay-'))
    // The bucket is in the same process, and keeps what it gets on the disk.
    const dev = await DevProcess.start(join(folder, 'state'), undefined, { PARTWAY_RELAY: 'true' })
    try {
      const chunkSize = 32 * MIB
      const part = randomBytes(chunkSize)
      const md5 = createHash('md5').update(part).digest('hex')
      const form = new FormData()
      form.append('file', new Blob([part]), 'blob')
      const send = async (id: string, index: number) => {
        const query = `upload_id=${id}&index=${index}&content_hash=${md5}`
        const reply = await fetch(`${dev.url}/upload/chunk?${query}`, {
          method: 'POST',
          body: form,
        })
        expect(`${reply.status} ${await reply.text()}`).toMatch(/^200 /)
      }
      const warm = await begun(dev.url, chunkSize)
      await send(warm.upload_id, 1)
      const before = await peakMib(dev.pid)
      const { upload_id } = await begun(dev.url, 8 * chunkSize, chunkSize)
      await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((index) => send(upload_id, index)))
      const after = await peakMib(dev.pid)
      expect(after - before).toBeLessThan(96)
    } finally {
      await dev.kill('SIGTERM')
      await rm(folder, { recursive: true })
    }
  })
})

async function begun(url: string, size: number, chunk_size = size) {
  const reply = await fetch(`${url}/upload/init`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ filename: 'a.bin', size, chunk_size }),
  })
  return initReply.parse(await reply.json())
}

async function peakMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024)
}
