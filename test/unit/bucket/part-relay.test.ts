import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connectS3 } from '../../../src/bucket/index.js'
import type { PartRelay, PutPart } from '../../../src/coordinator/ports.js'
import { type ScriptedReply, scriptedServer } from './scripted-server.js'

const MIB = 1024 * 1024
const SIZE = 256 * MIB
const PIECE = Buffer.alloc(64 * 1024)

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
  vi.restoreAllMocks()
})

function relayTo(endpoint: string, timeoutMs = 60_000): PartRelay {
  const { relay, close } = connectS3({
    bucket: 'b',
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
    timeoutMs,
  })
  cleanUps.push(close)
  return relay
}

async function relayAnswering(...script: ScriptedReply[]): Promise<PartRelay> {
  const server = await scriptedServer(script)
  cleanUps.push(server.stop)
  return relayTo(server.url)
}

function partOf(bytes: AsyncIterable<Uint8Array>, size = SIZE): PutPart {
  return {
    key: 'k',
    multipartId: 'm',
    index: 1,
    size,
    checksum: 'none',
    contentHash: 'a'.repeat(32),
    bytes,
  }
}

/** Counts what is asked for. */
class Bytes {
  asked = 0

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (; this.asked < SIZE; this.asked += PIECE.length) yield PIECE
  }
}

async function* few(): AsyncGenerator<Uint8Array> {
  yield PIECE
}

/** A bucket that says that it wants the bytes, and takes none. */
async function bucketThatTakesNothing(): Promise<string> {
  const server = createServer()
  server.on('checkContinue', (request, response) => {
    request.pause()
    response.writeContinue()
  })
  return listening(server)
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('the relay to a bucket', () => {
  it('asks for no more bytes than the bucket takes, and does not wait for ever', async () => {
    const url = await bucketThatTakesNothing()
    const bytes = new Bytes()
    await expect(relayTo(url, 500).putPart(partOf(bytes))).rejects.toThrow('takes no more bytes')
    expect(bytes.asked).toBeGreaterThan(0)
    // What the system itself takes on both sides.
    expect(bytes.asked).toBeLessThan(SIZE / 4)
  })

  it('breaks the request off when the bytes break off', async () => {
    const server = createServer((request) => request.resume())
    const whole = new Promise<boolean>((resolve) =>
      server.on('request', (request) => request.on('close', () => resolve(request.complete))),
    )
    const url = await listening(server)
    async function* broken() {
      yield PIECE
      yield PIECE
      throw new Error('gone')
    }
    await expect(relayTo(url).putPart(partOf(broken()))).rejects.toThrow('gone')
    expect(await whole).toBe(false)
  })

  it('sends nothing twice', async () => {
    const server = await scriptedServer([
      { status: 503 },
      { status: 200, headers: { etag: '"e"' } },
    ])
    cleanUps.push(server.stop)
    await expect(relayTo(server.url).putPart(partOf(few(), PIECE.length))).rejects.toThrow()
    expect(server.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(1)
  })

  it('takes no reply for a success that has no ETag', async () => {
    const relay = await relayAnswering({ status: 200 })
    await expect(relay.putPart(partOf(few(), PIECE.length))).rejects.toThrow('without ETag')
  })

  it('says gone of an upload whose refusal was lost with the connection', async () => {
    const noSuchUpload = '<?xml version="1.0"?><Error><Code>NoSuchUpload</Code></Error>'
    const relay = await relayAnswering('reset', { status: 404, body: noSuchUpload })
    expect(await relay.putPart(partOf(few(), PIECE.length))).toEqual({ kind: 'gone' })
  })

  it('does not take a lost connection for a lost upload', async () => {
    const relay = await relayAnswering('reset')
    await expect(relay.putPart(partOf(few(), PIECE.length))).rejects.toThrow()
  })

  it('writes nothing on the console when a stream breaks off', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const relay = await relayAnswering('reset')
    await relay.putPart(partOf(few(), PIECE.length)).catch(() => {})
    expect(warn).not.toHaveBeenCalled()
  })
})
