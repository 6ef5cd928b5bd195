import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { connectS3, type S3Bucket } from '../../../src/bucket/index.js'
import { type ScriptedReply, type ScriptedServer, scriptedServer } from './scripted-server.js'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function bucketAnswering(
  ...script: ScriptedReply[]
): Promise<{ bucket: S3Bucket; server: ScriptedServer }> {
  const server = await scriptedServer(script)
  const { bucket, close } = connectS3({
    bucket: 'b',
    region: 'us-east-1',
    endpoint: server.url,
    credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
    timeoutMs: 1_000,
    idleTimeoutMs: 100,
  })
  cleanUps.push(close, server.stop)
  return { bucket, server }
}

function errorReply(status: number, code: string): ScriptedReply {
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>` }
}

/** The bytes `start` to `end` of `hello world`, or others that the script wants. */
function part(start: number, end: number, headers: Record<string, string> = {}): ScriptedReply {
  const body = 'hello world'.slice(start, end)
  const range = { 'content-range': `bytes ${start}-${end - 1}/11`, etag: '"e"' }
  const length = { 'content-length': String(end - start) }
  return { status: 206, body, headers: { ...range, ...length, ...headers } }
}

const READ = { key: 'k', etag: 'e', start: 2, end: 5 }

describe('S3Bucket reading an object', () => {
  it('asks for those bytes of the object with that ETag, and of that version', async () => {
    const { bucket, server } = await bucketAnswering(part(2, 5))
    const outcome = await bucket.readObject({ ...READ, versionId: 'v1' })
    const bytes = outcome.kind === 'found' ? await buffer(outcome.bytes) : outcome.kind
    expect(String(bytes)).toBe('llo')
    expect(server.requests[0]).toMatch(/^GET .*versionId=v1/)
    expect(server.headers[0]).toMatchObject({ 'if-match': '"e"', range: 'bytes=2-4' })
  })

  it.each([
    ['PreconditionFailed', 412, 'changed'],
    ['NoSuchKey', 404, 'absent'],
    ['NoSuchVersion', 404, 'absent'],
  ])('reads %s as an answer', async (code, status, kind) => {
    const { bucket } = await bucketAnswering(errorReply(status, code))
    expect(await bucket.readObject(READ)).toEqual({ kind })
  })

  it('takes the whole object for an answer when the whole was asked for', async () => {
    const headers = { 'content-length': '11', etag: '"e"' }
    const { bucket } = await bucketAnswering({ status: 200, body: 'hello world', headers })
    const outcome = await bucket.readObject({ ...READ, start: 0, end: 11 })
    const bytes = outcome.kind === 'found' ? await buffer(outcome.bytes) : outcome.kind
    expect(String(bytes)).toBe('hello world')
  })

  it('sees itself that the object is another where the bucket does not', async () => {
    const { bucket } = await bucketAnswering(part(2, 5, { etag: '"other"' }))
    expect(await bucket.readObject(READ)).toEqual({ kind: 'changed' })
  })

  it.each([
    ['the whole object, of which a part was asked for', { status: 200, body: 'hello world' }],
    ['another range', part(3, 6)],
    ['a shorter range', part(2, 4)],
    ['a range of no known length', { status: 206, body: 'llo', headers: { etag: '"e"' } }],
    ['a range that is not there', errorReply(416, 'InvalidRange')],
    ['a bucket that is not there', errorReply(404, 'NoSuchBucket')],
    ['a 403', errorReply(403, 'AccessDenied')],
    ['a 503', errorReply(503, 'SlowDown')],
    ['a reset', 'reset'],
    ['silence', 'silence'],
  ] as const)('rejects %s', async (_, reply) => {
    const { bucket } = await bucketAnswering(reply)
    await expect(bucket.readObject(READ)).rejects.toThrow()
  })

  it('rejects a body that does not go on, in its own time', async () => {
    const { headers } = part(2, 5) as { headers: Record<string, string> }
    const { bucket } = await bucketAnswering({ status: 206, headers, endless: true })
    const outcome = await bucket.readObject(READ)
    if (outcome.kind !== 'found') throw new Error(outcome.kind)
    await expect(buffer(outcome.bytes)).rejects.toThrow('no byte for 100 ms')
  })
})

describe('S3Bucket removing an object', () => {
  const found = (headers: Record<string, string> = {}): ScriptedReply => ({
    status: 200,
    headers: { etag: '"e"', 'content-length': '11', ...headers },
  })
  const done: ScriptedReply = { status: 204 }
  const methods = ({ requests }: ScriptedServer) => requests.map((line) => line.split(' ')[0])

  it('has the bucket compare the ETag again', async () => {
    const { bucket, server } = await bucketAnswering(found(), done)
    expect(await bucket.removeObject({ key: 'k', etag: 'e' })).toBe('removed')
    expect(methods(server)).toEqual(['HEAD', 'DELETE'])
    expect(server.headers[1]?.['if-match']).toBe('"e"')
    expect(server.requests[1]).not.toContain('versionId')
  })

  it.each([
    ['PreconditionFailed', 412, 'changed'],
    ['NoSuchKey', 404, 'absent'],
  ])('reads %s as the answer of a bucket that was faster', async (code, status, kind) => {
    const { bucket } = await bucketAnswering(found(), errorReply(status, code))
    expect(await bucket.removeObject({ key: 'k', etag: 'e' })).toBe(kind)
  })

  it.each([
    ['absent', { status: 404 }],
    ['changed', found({ etag: '"other"' })],
  ] as const)('deletes nothing where the object is %s', async (outcome, reply) => {
    const { bucket, server } = await bucketAnswering(reply)
    expect(await bucket.removeObject({ key: 'k', etag: 'e' })).toBe(outcome)
    expect(methods(server)).toEqual(['HEAD'])
  })

  it.each([
    ['that it is told', { versionId: 'v1' }, {}],
    ['that the bucket tells', {}, { 'x-amz-version-id': 'v1' }],
  ])('deletes the version %s, which AWS takes no If-Match for', async (_, given, told) => {
    const { bucket, server } = await bucketAnswering(found(told), done)
    expect(await bucket.removeObject({ key: 'k', etag: 'e', ...given })).toBe('removed')
    expect(server.requests[1]).toContain('versionId=v1')
    expect(server.headers[1]).not.toHaveProperty('if-match')
  })

  it('compares the ETag of what has no version yet', async () => {
    const { bucket, server } = await bucketAnswering(found({ 'x-amz-version-id': 'null' }), done)
    expect(await bucket.removeObject({ key: 'k', etag: 'e' })).toBe('removed')
    expect(server.requests[1]).not.toContain('versionId')
    expect(server.headers[1]?.['if-match']).toBe('"e"')
  })

  it('deletes without If-Match where the bucket says that it knows none', async () => {
    const refusal = errorReply(501, 'NotImplemented')
    const { bucket, server } = await bucketAnswering(found(), refusal, done)
    expect(await bucket.removeObject({ key: 'k', etag: 'e' })).toBe('removed')
    expect(methods(server)).toEqual(['HEAD', 'DELETE', 'DELETE'])
    expect(server.headers[1]).toHaveProperty('if-match')
    expect(server.headers[2]).not.toHaveProperty('if-match')
  })

  it.each([403, 500, 503])('rejects a %i', async (status) => {
    const { bucket, server } = await bucketAnswering({ status })
    await expect(bucket.removeObject({ key: 'k', etag: 'e' })).rejects.toThrow()
    expect(methods(server)).not.toContain('DELETE')
    const later = await bucketAnswering(found(), errorReply(status, 'AccessDenied'))
    await expect(later.bucket.removeObject({ key: 'k', etag: 'e' })).rejects.toThrow()
  })
})
