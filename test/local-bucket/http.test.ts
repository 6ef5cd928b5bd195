import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, describe, expect, it } from 'vitest'
import { startLocalBucket } from '../../src/local-bucket/index.js'
import { MIB } from '../../src/protocol/index.js'
import { LOCAL_CREDENTIALS, startTestLocalBucket } from '../helpers/local-bucket.js'
import { signedHeaders } from './sign-request.js'

const BUCKET = 'http-bucket'
const local = await startTestLocalBucket({
  buckets: [BUCKET],
  corsOrigins: ['https://app.example'],
})
const client = clientOf(local.url)
afterAll(async () => {
  client.destroy()
  await local.remove()
})

interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

interface Send {
  readonly method?: string
  readonly headers?: Record<string, string | number>
  readonly body?: Buffer
  readonly agent?: Agent
}

function send(url: string, { body, ...options }: Send = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, async (reply) => {
      const pieces: Buffer[] = []
      for await (const piece of reply) pieces.push(piece)
      const { statusCode: status = 0, headers } = reply
      resolve({ status, headers, text: Buffer.concat(pieces).toString() })
    })
    sent.on('error', reject)
    if (options.headers?.expect === undefined) sent.end(body)
    else sent.on('continue', () => sent.end(body)).flushHeaders()
  })
}

const presignedPut = (Key: string, more: object = {}) =>
  getSignedUrl(client, new PutObjectCommand({ Bucket: BUCKET, Key, ...more }))
const presignedGet = (Key: string, expiresIn = 60) =>
  getSignedUrl(client, new GetObjectCommand({ Bucket: BUCKET, Key }), { expiresIn })

describe('requests', () => {
  it('without a signature, of another key or with another secret are refused', async () => {
    const anonymous = await send(`${local.url}/${BUCKET}/key`)
    expect(anonymous).toMatchObject({ status: 403, headers: { 'content-type': 'application/xml' } })
    expect(anonymous.text).toContain('<Code>AccessDenied</Code>')
    const wrongs = [
      [{ ...LOCAL_CREDENTIALS, secretAccessKey: 'other' }, 'SignatureDoesNotMatch'],
      [{ ...LOCAL_CREDENTIALS, accessKeyId: 'other' }, 'InvalidAccessKeyId'],
    ] as const
    for (const [credentials, code] of wrongs) {
      const wrong = clientOf(local.url, credentials)
      const call = wrong.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'key' }))
      await expect(call).rejects.toMatchObject({ name: code })
      wrong.destroy()
    }
  })

  it('are refused when the body is not the one that was signed', async () => {
    const altering = clientOf(local.url)
    altering.middlewareStack.add(
      (next) => (call) => next({ ...call, request: { ...Object(call.request), body: 'other' } }),
      { step: 'deserialize' },
    )
    const call = altering.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'bytes' }))
    await expect(call).rejects.toMatchObject({ name: 'XAmzContentSHA256Mismatch' })
    altering.destroy()
  })

  it('are answered 403 once their URL has expired', async () => {
    const url = await presignedGet('late', 1)
    expect((await send(url)).status).toBe(404)
    await delay(2_100)
    const late = await send(url)
    expect(late.status).toBe(403)
    expect(late.text).toContain('Request has expired')
  })

  it('have the metadata that is in the query of their URL', async () => {
    const url = await presignedPut('hoisted', { Metadata: { name: 'ü' } })
    expect(url).toContain('x-amz-meta-name=')
    expect((await send(url, { method: 'PUT' })).status).toBe(200)
    const { headers } = await send(await presignedGet('hoisted'))
    expect(Buffer.from(String(headers['x-amz-meta-name']), 'latin1').toString()).toBe('ü')
  })

  it('for what has not changed are answered without the bytes', async () => {
    const url = await presignedPut('same')
    const { headers } = await send(url, { method: 'PUT', body: Buffer.from('text') })
    const again = await send(await presignedGet('same'), {
      headers: { 'if-none-match': String(headers.etag) },
    })
    expect(again).toMatchObject({ status: 304, text: '', headers: { etag: headers.etag } })
  })

  it('keep their connection, part after part', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    let connections = 0
    const createConnection = agent.createConnection.bind(agent)
    agent.createConnection = (...args) => {
      connections += 1
      return createConnection(...args)
    }
    const at = { Bucket: BUCKET, Key: 'kept-alive' }
    const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand(at))
    for (let PartNumber = 1; PartNumber <= 50; PartNumber++) {
      const url = await getSignedUrl(client, new UploadPartCommand({ ...at, UploadId, PartNumber }))
      const { status } = await send(url, { method: 'PUT', body: randomBytes(10_000), agent })
      expect(status).toBe(200)
    }
    agent.destroy()
    expect(connections).toBe(1)
    const { Parts } = await client.send(new ListPartsCommand({ ...at, UploadId }))
    expect(Parts).toHaveLength(50)
  })
})

describe('a body', () => {
  const large = Buffer.alloc(8 * MIB)

  it('is asked for after the signature was found right', async () => {
    const options = { method: 'PUT', body: large }
    const headers = { expect: '100-continue', 'content-length': large.length }
    const taken = await send(await presignedPut('asked'), { ...options, headers })
    expect(taken.status).toBe(200)
    const refused = await send(`${local.url}/${BUCKET}/asked`, { ...options, headers })
    expect(refused.status).toBe(403)
    expect(refused.headers.connection).toBe('close')
  })

  it('that is refused at once leaves the client an answer, and the connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const url = (await presignedPut('early')).replace(/Signature=.{8}/, 'Signature=00000000')
    for (let i = 0; i < 3; i++) {
      const reply = await send(url, { method: 'PUT', body: large, agent })
      expect(reply.status).toBe(403)
      expect(reply.text).toContain('SignatureDoesNotMatch')
    }
    agent.destroy()
  })

  it('that is refused half-way does, too', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const url = `${local.url}/${BUCKET}/half-way`
    const chunk = [
      Buffer.from(`${large.length.toString(16)}\r\n`),
      large,
      Buffer.from('\r\n0\r\n\r\n'),
    ]
    const body = Buffer.concat(chunk)
    const headers = {
      'content-length': String(body.length),
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '10',
    }
    for (let i = 0; i < 3; i++) {
      const signed = signedHeaders('PUT', url, headers)
      const reply = await send(url, { method: 'PUT', headers: signed, body, agent })
      expect(reply.text).toContain('IncompleteBody')
    }
    agent.destroy()
    expect((await send(await presignedGet('half-way'))).status).toBe(404)
  })

  it('that ends early leaves nothing', async () => {
    const files = async () => (await readdir(join(local.folder, 'blobs'))).length
    const before = await files()
    const url = await presignedPut('broken')
    const sent = request(url, { method: 'PUT', headers: { 'content-length': large.length } })
    sent.on('error', () => undefined)
    sent.write(large.subarray(0, MIB))
    await expect.poll(files).toBe(before + 1)
    sent.destroy()
    await expect.poll(files).toBe(before)
    expect((await send(await presignedGet('broken'))).status).toBe(404)
  })

  it('must have a length', async () => {
    const headers = { 'transfer-encoding': 'chunked' }
    const reply = await send(await presignedPut('long'), { method: 'PUT', headers, body: large })
    expect(reply.status).toBe(411)
  })

  it('of XML may not be anything else', async () => {
    const at = { Bucket: BUCKET, Key: 'xml' }
    const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand(at))
    const url = await getSignedUrl(client, new CompleteMultipartUploadCommand({ ...at, UploadId }))
    const bodies = [
      'no xml',
      '<CompleteMultipartUpload></CompleteMultipartUpload>',
      '<!DOCTYPE x [<!ENTITY a "b">]><CompleteMultipartUpload/>',
      '<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>',
    ]
    for (const body of bodies) {
      const reply = await send(url, { method: 'POST', body: Buffer.from(body) })
      expect(reply.status, body).toBe(400)
      expect(reply.text, body).toContain('MalformedXML')
    }
  })
})

describe('pages of other origins', () => {
  const preflight = { 'access-control-request-method': 'PUT' }

  it('may ask first, if they are allowed', async () => {
    const headers = {
      ...preflight,
      origin: 'https://app.example',
      'access-control-request-headers': 'x-amz-checksum-sha256,content-type',
    }
    const reply = await send(`${local.url}/${BUCKET}/key`, { method: 'OPTIONS', headers })
    expect(reply.status).toBe(200)
    expect(reply.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-headers': 'x-amz-checksum-sha256,content-type',
      'access-control-allow-methods': expect.stringContaining('PUT'),
    })
    const other = { ...preflight, origin: 'https://other.example' }
    const refused = await send(`${local.url}/${BUCKET}/key`, { method: 'OPTIONS', headers: other })
    expect(refused.status).toBe(403)
    expect(refused.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('may read the ETag, what begins with x-amz-, and errors', async () => {
    const headers = { origin: 'https://app.example', 'x-amz-checksum-crc32': 'AAAAAA==' }
    const unhoistableHeaders = new Set(['x-amz-checksum-crc32'])
    const command = new PutObjectCommand({
      Bucket: BUCKET,
      Key: 'read',
      ChecksumCRC32: 'AAAAAA==',
    })
    const url = await getSignedUrl(client, command, { unhoistableHeaders })
    const reply = await send(url, { method: 'PUT', headers })
    expect(reply.status).toBe(200)
    expect(reply.headers['access-control-expose-headers']).toMatch(/etag.*x-amz-checksum-crc32/)
    const error = await send(`${local.url}/${BUCKET}/key`, { headers })
    expect(error.status).toBe(403)
    expect(error.headers['access-control-allow-origin']).toBe('https://app.example')
  })
})

describe('the start', () => {
  const options = { credentials: LOCAL_CREDENTIALS }

  it('says what the bucket is for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partway-start-'))
    const events: string[] = []
    const started = await startLocalBucket({
      ...options,
      folder,
      log: (entry) => events.push(JSON.stringify(entry)),
    })
    await started.close()
    await rm(folder, { recursive: true })
    expect(events).toEqual([expect.stringContaining('for development and tests only')])
    expect(started.notice).toContain('for development and tests only')
  })

  it('is refused while another has the folder, and for a wrong name', async () => {
    const again = startLocalBucket({ ...options, folder: local.folder })
    await expect(again).rejects.toThrow('in use')
    const folder = await mkdtemp(join(tmpdir(), 'partway-start-'))
    const wrong = startLocalBucket({ ...options, folder, buckets: ['Not_a_name'] })
    await expect(wrong).rejects.toThrow('Not_a_name')
    await rm(folder, { recursive: true })
  })

  it('tells that a port is taken, and leaves the folder free', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partway-start-'))
    const port = Number(new URL(local.url).port)
    const taken = startLocalBucket({ ...options, folder, port })
    await expect(taken).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await (await startLocalBucket({ ...options, folder })).close()
    await rm(folder, { recursive: true })
  })

  it('removes what a killed process left, and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partway-start-'))
    const first = await startLocalBucket({ ...options, folder, buckets: [BUCKET] })
    const writer = clientOf(first.url)
    await writer.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'kept', Body: 'text' }))
    await first.close()
    writer.destroy()
    await writeFile(join(folder, 'blobs', 'f'.repeat(32)), 'half a part')
    const second = await startLocalBucket({ ...options, folder })
    const reader = clientOf(second.url)
    const { Body } = await reader.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'kept' }))
    expect(await Body?.transformToString()).toBe('text')
    expect(await readdir(join(folder, 'blobs'))).toHaveLength(1)
    await second.close()
    reader.destroy()
    await rm(folder, { recursive: true })
  })
})

describe('a file that was taken away', () => {
  it('is a fault that is logged, and the reply is cut off', async () => {
    const events: string[] = []
    const robbed = await startTestLocalBucket({
      buckets: [BUCKET],
      log: ({ event }) => events.push(event),
    })
    const owner = clientOf(robbed.url)
    const at = { Bucket: BUCKET, Key: 'gone' }
    await owner.send(new PutObjectCommand({ ...at, Body: 'text' }))
    const blobs = join(robbed.folder, 'blobs')
    for (const name of await readdir(blobs)) await rm(join(blobs, name))
    const url = await getSignedUrl(owner, new GetObjectCommand(at))
    await expect(send(url)).rejects.toThrow()
    expect(events).toEqual(['local-bucket.started', 'local-bucket.fault'])
    owner.destroy()
    await robbed.remove()
  })
})

describe('the end', () => {
  it('lets a request that is running come to its own', async () => {
    const ending = await startTestLocalBucket({ buckets: [BUCKET] })
    const writer = clientOf(ending.url)
    const url = await getSignedUrl(writer, new PutObjectCommand({ Bucket: BUCKET, Key: 'last' }))
    const reply = new Promise<number>((resolve, reject) => {
      const headers = { 'content-length': 2 * MIB }
      const sent = request(url, { method: 'PUT', headers }, ({ statusCode = 0 }) =>
        resolve(statusCode),
      )
      sent.on('error', reject).write(Buffer.alloc(MIB))
      setTimeout(() => sent.end(Buffer.alloc(MIB)), 300)
    })
    await delay(100)
    const removed = ending.remove()
    expect(await reply).toBe(200)
    await removed
    writer.destroy()
  })
})

function clientOf(endpoint: string, credentials = LOCAL_CREDENTIALS): S3Client {
  return new S3Client({
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
}
