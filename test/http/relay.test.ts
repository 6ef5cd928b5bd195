import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PartRelay, PutPart } from '../../src/coordinator/ports.js'
import { CHECKSUM_MODES, type ChecksumMode, initReply, MIB } from '../../src/protocol/index.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { checksumOf } from '../helpers/memory-bucket-digest.js'
import { memoryRelay } from '../helpers/memory-relay.js'
import { type HttpApp, post, problemOf, serveRouter } from './http-app.js'
import { memoryPartway } from './memory-partway.js'
import { drains, filePart, formOf, rawForm, textPart } from './raw-form.js'

/** Everything is real here but the bytes of the bucket. */

const SIZE = 5 * MIB
const PART = randomBytes(SIZE)
const LAST = randomBytes(1_000)
const IDLE_MS = 1_500

const bucket = new MemoryBucket()
const usual = memoryRelay(bucket)
let relay: PartRelay = usual
const partway = memoryPartway(bucket, { relay: { putPart: (request) => relay.putPart(request) } })
let app: HttpApp
let uploadId: string

beforeAll(async () => {
  await bucket.start()
  app = await serveRouter({
    partway,
    owner: (req) => req.get('X-Owner') ?? 'ada',
    log: () => {},
    relay: { concurrency: 2, timeoutMs: 20_000, idleMs: IDLE_MS },
  })
})
afterAll(async () => {
  await app.close()
  await partway.close()
  await bucket.stop()
})
beforeEach(async () => {
  relay = usual
  uploadId = (await begun()).upload_id
})

const hex = (algorithm: 'md5' | 'sha256', bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest('hex')

async function begun(changes: object = {}) {
  const message = { filename: 'a.bin', size: SIZE + LAST.length, chunk_size: SIZE, ...changes }
  return initReply.parse(await (await post(`${app.url}/upload/init`, message)).json())
}

interface Sending {
  readonly id?: string
  readonly index?: string
  readonly hash?: string
  readonly body?: BodyInit
  readonly headers?: Record<string, string>
}

function urlOf({ id = uploadId, index = '2', hash = hex('sha256', LAST) }: Sending): string {
  return `${app.url}/upload/chunk?${new URLSearchParams({ upload_id: id, index, content_hash: hash })}`
}

async function send(sending: Sending = {}): Promise<Response> {
  const { body = formOf(LAST), headers = {} } = sending
  return await fetch(urlOf(sending), { method: 'POST', body, headers })
}

async function uploaded(id = uploadId) {
  const reply = await fetch(`${app.url}/upload/status?upload_id=${id}`)
  return initReply.parse(await reply.json()).uploaded
}

async function expectRefusal(response: Response, refusal: object): Promise<void> {
  expect(await problemOf(response)).toMatchObject(refusal)
  expect(await uploaded()).toEqual([])
}

const INVALID = { status: 400, code: 'INVALID_REQUEST' }

describe('a part that is sent through the server', () => {
  it.each(CHECKSUM_MODES.flatMap((mode) => [[mode, 'md5'] as const, [mode, 'sha256'] as const]))(
    'is stored and recorded as one that was sent to the bucket (%s, known by %s)',
    async (checksum: ChecksumMode, algorithm) => {
      const { upload_id: id } = await begun({ checksum })
      const response = await send({ id, hash: hex(algorithm, LAST).toUpperCase() })
      expect(response.status).toBe(200)
      const sum = await checksumOf(checksum, LAST)
      const part = { index: 2, size: LAST.length, etag: hex('md5', LAST) }
      expect(await response.json()).toEqual({
        upload_id: id,
        ...part,
        ...(sum !== undefined && { checksum: sum }),
        uploaded_count: 1,
        total_chunks: 2,
      })
      expect(await uploaded(id)).toEqual([{ ...part, ...(sum !== undefined && { checksum: sum }) }])
    },
  )

  it('may be sent again, and is the same', async () => {
    const first = await (await send()).json()
    expect(await (await send()).json()).toEqual(first)
    expect(await uploaded()).toHaveLength(1)
  })

  it('may be followed by other bytes for its place, which take it', async () => {
    await send()
    const other = randomBytes(LAST.length)
    expect((await send({ body: formOf(other), hash: hex('md5', other) })).status).toBe(200)
    expect(await uploaded()).toMatchObject([{ index: 2, etag: hex('md5', other) }])
  })

  it('completes the upload together with the others', async () => {
    await send()
    await send({ index: '1', hash: hex('md5', PART), body: formOf(PART) })
    const merged = await post(`${app.url}/upload/merge`, { upload_id: uploadId })
    expect(await merged.json()).toMatchObject({ state: 'completed' })
  })

  it('is told of by init', async () => {
    expect(await begun()).toMatchObject({ relay: '/upload/chunk' })
  })
})

describe('a form is refused', () => {
  const RULE = 'must have exactly 1000 bytes: the part has'
  const wrongSize = { ...INVALID, field: 'file', detail: `file ${RULE}` }

  it.each([
    ['too short', LAST.subarray(1)],
    ['too long', randomBytes(LAST.length + 1)],
    ['empty', new Uint8Array()],
    ['far too long', randomBytes(MIB)],
  ])('whose file is %s', async (_, bytes) => {
    const hash = hex('sha256', bytes)
    await expectRefusal(await send({ body: formOf(new Uint8Array(bytes)), hash }), wrongSize)
  })

  it('whose file is far too long, which its headers do not say', async () => {
    const chunked: RequestInit & { readonly duplex: 'half' } = {
      method: 'POST',
      body: new Blob([rawForm('b', [filePart('x'.repeat(MIB))])]).stream(),
      duplex: 'half',
      headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
    }
    const response = await fetch(urlOf({}), chunked)
    await expectRefusal(response, wrongSize)
  })

  it.each([
    ['that is in another field', [filePart('x', 'chunk')], 'chunk'],
    ['with two files', [filePart(LAST.toString('latin1')), filePart('x')], 'file'],
    ['with a field besides', [filePart(LAST.toString('latin1')), textPart('upload_id')], 'file'],
    ['with a field before it', [textPart('index'), filePart(LAST.toString('latin1'))], 'file'],
    ['whose file is a text', [textPart('file')], 'file'],
    ['without anything', [], 'file'],
    [
      'with a part that says nothing of itself',
      [filePart(LAST.toString('latin1')), ['X: y\r\n', 'x']],
      'file',
    ],
  ] as const)('%s', async (_, parts, field) => {
    const body = Buffer.from(rawForm('b', parts), 'latin1')
    // Of a length that could be right.
    const padding = `${'x'.repeat(Math.max(0, 1_200 - body.length))}\r\n`
    const padded = Buffer.concat([Buffer.from(padding), body])
    const response = await send({
      body: padded,
      headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
    })
    await expectRefusal(response, { ...INVALID, field })
  })

  it.each([
    ['cut off', rawForm('b', [filePart('x'.repeat(1_100))]).slice(0, 1_100)],
    ['no form at all', 'x'.repeat(1_500)],
    ['with headers of a part that never end', `--b\r\nA: ${'x'.repeat(30_000)}`],
  ])('that is %s', async (_, body) => {
    const headers = { 'Content-Type': 'multipart/form-data; boundary=b' }
    await expectRefusal(await send({ body, headers }), INVALID)
  })

  it('whose type has no boundary', async () => {
    const headers = { 'Content-Type': 'multipart/form-data' }
    await expectRefusal(await send({ body: 'x'.repeat(1_500), headers }), INVALID)
  })

  it.each([
    { 'Content-Type': 'application/json' },
    { 'Content-Type': 'application/octet-stream' },
    { 'Content-Type': 'multipart/form-data; boundary=b', 'Content-Encoding': 'gzip' },
  ])('that is something else: %o', async (headers) => {
    const response = await send({ body: 'x'.repeat(1_500), headers })
    await expectRefusal(response, { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })
})

describe('a hash', () => {
  it.each(['md5', 'sha256'] as const)('(%s) of other bytes is refused', async (algorithm) => {
    const response = await send({ hash: hex(algorithm, PART) })
    const refusal = { status: 422, code: 'CHECKSUM_MISMATCH', field: 'content_hash' }
    await expectRefusal(response, refusal)
  })

  it('of other bytes changes nothing of a part that is there', async () => {
    await send()
    const before = await uploaded()
    const stored = bucket.puts.length
    expect((await send({ hash: hex('sha256', PART) })).status).toBe(422)
    expect(await uploaded()).toEqual(before)
    expect(bucket.puts).toHaveLength(stored)
  })

  it.each(['', 'a'.repeat(40), 'g'.repeat(64), 'a'.repeat(63)])(
    'that is none is refused: "%s"',
    async (hash) => {
      await expectRefusal(await send({ hash }), { ...INVALID, field: 'content_hash' })
    },
  )
})

describe('a part is refused', () => {
  it.each(['0', '-1', '1.5', 'x', '100000'])('whose index is %s', async (index) => {
    await expectRefusal(await send({ index }), { ...INVALID, field: 'index' })
  })

  it('that the upload does not have', async () => {
    const refusal = { status: 400, code: 'INDEX_OUT_OF_RANGE', total_chunks: 2 }
    await expectRefusal(await send({ index: '3' }), refusal)
  })

  it('of an upload that is aborted', async () => {
    await post(`${app.url}/upload/abort`, { upload_id: uploadId })
    expect(await problemOf(await send())).toMatchObject({ code: 'WRONG_STATE', state: 'aborted' })
  })

  it('of an upload that is aborted while it is sent, and nothing is stored', async () => {
    const stored = bucket.puts.length
    relay = {
      putPart: async (request) => {
        await post(`${app.url}/upload/abort`, { upload_id: uploadId })
        return usual.putPart(request)
      },
    }
    expect(await problemOf(await send())).toMatchObject({ code: 'WRONG_STATE' })
    expect(bucket.puts).toHaveLength(stored)
  })

  it('of an upload of somebody else, without a word about it', async () => {
    const response = await send({ headers: { 'X-Owner': 'eve' } })
    await expectRefusal(response, { status: 404, code: 'UPLOAD_NOT_FOUND' })
  })

  it('of an upload that the bucket has dropped, which is opened again', async () => {
    relay = { putPart: async () => ({ kind: 'gone' }) }
    const response = await send()
    expect(response.headers.get('Retry-After')).toBe('1')
    await expectRefusal(response, { status: 503, code: 'UPLOAD_BUSY' })
    relay = usual
    expect((await send()).status).toBe(200)
  })

  it('with 503 when the bucket fails, and what failed stays inside', async () => {
    relay = {
      putPart: async () => {
        throw new Error('marked')
      },
    }
    const response = await send()
    expect(response.headers.get('Retry-After')).not.toBeNull()
    const problem = await problemOf(response)
    expect(problem).toMatchObject({ status: 503, code: 'BUCKET_UNAVAILABLE' })
    expect(JSON.stringify(problem)).not.toContain('marked')
  })
})

describe('a client', () => {
  /** Sends the head of a form, and nothing else until it is told to. */
  function begin(sending: Sending = {}) {
    const request = httpRequest(urlOf(sending), {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
    })
    request.on('error', () => {})
    const [head = ''] = rawForm('b', [filePart('\0')]).split('\0')
    request.write(head)
    return request
  }

  it('that goes away breaks off what was sent to the bucket', async () => {
    const failures: unknown[] = []
    let asked = () => {}
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    relay = {
      putPart: async ({ bytes }: PutPart) => {
        try {
          for await (const _ of bytes) asked()
        } catch (error) {
          failures.push(error)
          throw error
        }
        return { kind: 'stored', etag: 'e' }
      },
    }
    const request = begin({ index: '1', hash: hex('md5', PART) })
    request.write(PART.subarray(0, 300_000))
    await isAsked
    request.destroy()
    await expect.poll(() => failures.length).toBe(1)
    expect(await uploaded()).toEqual([])
  })

  it('that is refused before its bytes are read gets to read why, and its connection goes on', async () => {
    const body = formOf(randomBytes(8 * MIB))
    for (let i = 0; i < 3; i++) {
      const refused = await send({ id: 'x'.repeat(43), body })
      expect(await problemOf(refused)).toMatchObject({ code: 'UPLOAD_NOT_FOUND' })
    }
    expect((await send()).status).toBe(200)
  })

  it('that sends on and on after it was refused is cut off', async () => {
    const request = begin({ id: 'x'.repeat(43) })
    const [response] = await once(request, 'response')
    expect(response.statusCode).toBe(404)
    const closed = once(request, 'close')
    while (!request.destroyed) {
      if (!request.write(PART)) await Promise.race([once(request, 'drain'), closed])
    }
    await closed
  })

  it('that sends nothing any more is answered 408', async () => {
    const request = begin()
    const [response] = await once(request, 'response')
    expect(response.statusCode).toBe(408)
    request.destroy()
  })

  it('is waited for while it is the bucket that takes its time', async () => {
    relay = {
      putPart: async (request) => {
        await delay(2 * IDLE_MS)
        return usual.putPart(request)
      },
    }
    const body = formOf(PART)
    expect((await send({ index: '1', hash: hex('md5', PART), body })).status).toBe(200)
  })

  it('can send no more than the bucket takes', async () => {
    const large = 64 * MIB
    const { upload_id: id } = await begun({ size: large, chunk_size: large })
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    relay = {
      putPart: async ({ bytes }) => {
        await released
        for await (const _ of bytes) break
        throw new Error('enough')
      },
    }
    const request = begin({ id, index: '1', hash: hex('md5', LAST) })
    let written = 0
    while (request.write(PART.subarray(0, MIB)) || (await drains(request))) written += MIB
    // What the system itself takes on both sides, at most some MiB.
    expect(written).toBeLessThan(large / 2)
    release()
    request.destroy()
  })

  it('is told to come again when there are too many on their way', async () => {
    const waiting: (() => void)[] = []
    relay = {
      putPart: async (request) => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        return usual.putPart(request)
      },
    }
    const two = [send(), send()]
    await expect.poll(() => waiting.length).toBe(2)
    const third = await send()
    expect(third.headers.get('Retry-After')).toBe('1')
    expect(await problemOf(third)).toMatchObject({ status: 503, code: 'RELAY_BUSY' })
    for (const release of waiting) release()
    for (const response of await Promise.all(two)) expect(response.status).toBe(200)
    relay = usual
    expect((await send()).status).toBe(200)
  })
})
