import { randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MIB } from '../../src/protocol/index.js'
import { LOCAL_CREDENTIALS, startTestLocalBucket } from '../helpers/local-bucket.js'

const BUCKET = 'sdk-bucket'
const local = await startTestLocalBucket({ buckets: [BUCKET, 'sdk-lists'] })
const client = new S3Client({
  region: 'us-east-1',
  endpoint: local.url,
  forcePathStyle: true,
  credentials: LOCAL_CREDENTIALS,
  maxAttempts: 1,
})
afterAll(async () => {
  client.destroy()
  await local.remove()
})

const at = (Key: string) => ({ Bucket: BUCKET, Key })

function put(Key: string, Body: NonNullable<PutObjectCommandInput['Body']>, more: object = {}) {
  return client.send(new PutObjectCommand({ ...at(Key), Body, ...more }))
}

async function bytesOf(Key: string, more: object = {}): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ ...at(Key), ...more }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

async function nameOfError(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: Error) => error.name,
  )
}

describe('objects', () => {
  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA256'] as const)(
    'come from a stream whose %s follows it, and go with it',
    async (ChecksumAlgorithm) => {
      const bytes = randomBytes(3 * MIB + 17)
      const pieces = [bytes.subarray(0, 100_000), bytes.subarray(100_000)]
      const more = { ChecksumAlgorithm, ContentLength: bytes.length }
      const reply = await put('streamed', Readable.from(pieces), more)
      expect(reply[`Checksum${ChecksumAlgorithm}`]).toMatch(/=$/)
      expect((await bytesOf('streamed')).equals(bytes)).toBe(true)
      const head = await client.send(
        new HeadObjectCommand({ ...at('streamed'), ChecksumMode: 'ENABLED' }),
      )
      expect(head[`Checksum${ChecksumAlgorithm}`]).toBe(reply[`Checksum${ChecksumAlgorithm}`])
      expect(head.ChecksumType).toBe('FULL_OBJECT')
    },
  )

  it('keep their headers and metadata, which a GET may override', async () => {
    const headers = {
      ContentType: 'text/x-test',
      ContentDisposition: 'attachment; filename="a.txt"',
      CacheControl: 'max-age=5',
      ContentEncoding: 'identity',
      ContentLanguage: 'de',
    }
    await put('headers', 'text', { ...headers, Metadata: { one: '1', 'two-words': 'a  b' } })
    const head = await client.send(new HeadObjectCommand(at('headers')))
    expect(head).toMatchObject({ ...headers, Metadata: { one: '1', 'two-words': 'a  b' } })
    const overridden = await client.send(
      new GetObjectCommand({
        ...at('headers'),
        ResponseContentType: 'text/other',
        ResponseContentDisposition: 'inline; filename="ü.txt"',
      }),
    )
    expect(overridden.ContentType).toBe('text/other')
    expect(overridden.CacheControl).toBe('max-age=5')
  })

  it('of several parts are read across their borders', async () => {
    const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(100)]
    await multipart('ranges', parts)
    const whole = Buffer.concat(parts)
    expect((await bytesOf('ranges')).equals(whole)).toBe(true)
    const borders = [
      [0, 0],
      [5 * MIB - 10, 5 * MIB + 10],
      [1, 10 * MIB + 50],
      [10 * MIB, 10 * MIB + 99],
    ] as const
    for (const [start, end] of borders) {
      const bytes = await bytesOf('ranges', { Range: `bytes=${start}-${end}` })
      expect(bytes.equals(whole.subarray(start, end + 1)), `${start}-${end}`).toBe(true)
    }
    expect((await bytesOf('ranges', { Range: 'bytes=-7' })).equals(whole.subarray(-7))).toBe(true)
    const beyond = bytesOf('ranges', { Range: `bytes=${whole.length}-` })
    expect(await nameOfError(beyond)).toBe('InvalidRange')
  })

  it('are still read when they are deleted or replaced meanwhile', async () => {
    const bytes = randomBytes(8 * MIB)
    await put('fleeting', bytes)
    const { Body } = await client.send(new GetObjectCommand(at('fleeting')))
    await put('fleeting', 'other')
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true)
    expect((await bytesOf('fleeting')).toString()).toBe('other')
  })

  it('are not replaced or read against a precondition', async () => {
    const { ETag = '' } = await put('once', 'first', { IfNoneMatch: '*' })
    expect(await nameOfError(put('once', 'second', { IfNoneMatch: '*' }))).toBe(
      'PreconditionFailed',
    )
    expect(await nameOfError(put('once', 'second', { IfMatch: '"0"' }))).toBe('PreconditionFailed')
    expect((await bytesOf('once', { IfMatch: ETag })).toString()).toBe('first')
    expect(await nameOfError(bytesOf('once', { IfMatch: '"0"' }))).toBe('PreconditionFailed')
    await put('once', 'second', { IfMatch: ETag })
    expect((await bytesOf('once')).toString()).toBe('second')
  })

  it('are refused with a Content-MD5 or a checksum of other bytes', async () => {
    const ContentMD5 = Buffer.alloc(16).toString('base64')
    expect(await nameOfError(put('bad', 'bytes', { ContentMD5 }))).toBe('BadDigest')
    expect(await nameOfError(put('bad', 'bytes', { ContentMD5: 'no' }))).toBe('InvalidDigest')
    expect(await nameOfError(put('bad', 'bytes', { ChecksumCRC32: 'AAAAAA==' }))).toBe('BadDigest')
    expect(await nameOfError(put('bad', 'bytes', { ChecksumCRC32: 'no' }))).toBe('InvalidRequest')
    expect(await nameOfError(bytesOf('bad'))).toBe('NoSuchKey')
  })

  it('are copied, and outlive the original', async () => {
    const bytes = randomBytes(1_000)
    await put('original', bytes, { Metadata: { kept: 'yes' } })
    await client.send(new CopyObjectCommand({ ...at('copy'), CopySource: `${BUCKET}/original` }))
    await client.send(
      new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [{ Key: 'original' }] } }),
    )
    expect((await bytesOf('copy')).equals(bytes)).toBe(true)
    const head = await client.send(new HeadObjectCommand(at('copy')))
    expect(head.Metadata).toEqual({ kept: 'yes' })
  })

  it.each(['../../../etc/passwd', '..', '/leading//slashes/', 'a&<b>"c\'.txt', 'x'.repeat(1_024)])(
    'may be called %s',
    async (Key) => {
      await put(Key, Key)
      expect((await bytesOf(Key)).toString()).toBe(Key)
      const { Contents = [] } = await client.send(
        new ListObjectsV2Command({ Bucket: BUCKET, Prefix: Key }),
      )
      expect(Contents.map((object) => object.Key)).toContain(Key)
    },
  )

  it('have keys of 1,024 bytes at most', async () => {
    expect(await nameOfError(put('x'.repeat(1_025), 'x'))).toBe('KeyTooLongError')
  })
})

describe('parts', () => {
  it('of one upload may all come at once, one of them twice', async () => {
    const target = await create('at-once')
    const bytes = randomBytes(5 * MIB)
    const part = (PartNumber: number) =>
      client.send(new UploadPartCommand({ ...target, PartNumber, Body: bytes }))
    const replies = await Promise.all([1, 2, 2, 3].map(part))
    const Parts = [1, 2, 3].map((PartNumber) => ({ PartNumber, ETag: replies[0]?.ETag ?? '' }))
    await client.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } }))
    expect((await bytesOf('at-once')).length).toBe(15 * MIB)
  })

  it('become an object or nothing when completion and abort meet', async () => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const Key = `race-${attempt}`
      const target = await create(Key)
      const part = { ...target, PartNumber: 1, Body: 'bytes' }
      const { ETag = '' } = await client.send(new UploadPartCommand(part))
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      const complete = new CompleteMultipartUploadCommand({ ...target, MultipartUpload })
      const [completed, aborted] = await Promise.all([
        nameOfError(client.send(complete)),
        nameOfError(client.send(new AbortMultipartUploadCommand(target))),
      ])
      const outcomes = [completed, aborted].sort()
      expect(outcomes).toEqual(['NoSuchUpload', 'no error'])
      const found = await nameOfError(bytesOf(Key))
      expect(found).toBe(completed === 'no error' ? 'no error' : 'NoSuchKey')
    }
  })

  it('may be copied from a run of bytes of an object', async () => {
    const bytes = [randomBytes(5 * MIB), randomBytes(5 * MIB)]
    await multipart('source', bytes)
    const target = await create('copied-parts', 'CRC32')
    const copy = (PartNumber: number, CopySourceRange: string) => {
      const source = { CopySource: `${BUCKET}/source`, CopySourceRange }
      return client.send(new UploadPartCopyCommand({ ...target, PartNumber, ...source }))
    }
    const replies = [
      await copy(1, `bytes=10-${5 * MIB + 9}`),
      await copy(2, `bytes=${5 * MIB + 10}-${10 * MIB - 1}`),
    ]
    const Parts = replies.map(({ CopyPartResult }, i) => ({ PartNumber: i + 1, ...CopyPartResult }))
    await client.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } }))
    expect((await bytesOf('copied-parts')).equals(Buffer.concat(bytes).subarray(10))).toBe(true)
  })

  it('have numbers from 1 to 10,000', async () => {
    const target = await create('numbers')
    for (const PartNumber of [0, 10_001]) {
      const call = client.send(new UploadPartCommand({ ...target, PartNumber, Body: 'x' }))
      expect(await nameOfError(call)).toBe('InvalidArgument')
    }
  })

  it('of a composite CRC-32 make the checksum of their checksums', async () => {
    const reply = await multipart('composite', [randomBytes(5 * MIB), randomBytes(5)], 'CRC32')
    expect(reply.ChecksumType).toBe('COMPOSITE')
    expect(reply.ChecksumCRC32).toMatch(/^[\w+/]{6}==-2$/)
  })
})

describe('lists', () => {
  const keys = ['a', 'b/1', 'b/2', 'b/c/3', 'd e+f', 'é', '\u{10000}', '\uffff'].map(
    (key) => `l/${key}`,
  )
  const list = { Bucket: 'sdk-lists', Prefix: 'l/' }
  beforeAll(async () => {
    for (const Key of keys) {
      await client.send(new PutObjectCommand({ Bucket: 'sdk-lists', Key, Body: 'x' }))
    }
  })
  const inBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

  async function pages(input: object): Promise<string[]> {
    const names: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await client.send(
        new ListObjectsV2Command({ ...list, ...input, ContinuationToken }),
      )
      names.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
      names.push(...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    return names
  }

  it.each([1, 2, 3, 1_000])(
    'have keys in the order of their bytes, by %d a page',
    async (MaxKeys) => {
      expect(await pages({ MaxKeys })).toEqual(inBytes)
    },
  )

  it.each([1, 2, 3, 1_000])('have each common prefix once, by %d a page', async (MaxKeys) => {
    const names = await pages({ MaxKeys, Delimiter: '/' })
    const expected = [...inBytes.filter((key) => !key.startsWith('l/b/')), 'l/b/']
    expect(names.sort()).toEqual(expected.sort())
  })

  it('begin after a key, of the old kind too', async () => {
    expect(await pages({ StartAfter: 'l/b/2' })).toEqual(inBytes.slice(3))
    const old = await client.send(
      new ListObjectsCommand({ ...list, Delimiter: '/', Marker: 'l/b/' }),
    )
    expect(old.Contents?.map(({ Key }) => Key)).toEqual(inBytes.slice(4))
    expect(old.CommonPrefixes).toBeUndefined()
  })

  it('write keys with escapes when asked to', async () => {
    const input = { ...list, Prefix: 'l/d', EncodingType: 'url' } as const
    const { Contents = [] } = await client.send(new ListObjectsV2Command(input))
    expect(Contents.map(({ Key }) => Key)).toEqual(['l/d%20e%2Bf'])
  })

  it('are empty once all was deleted in one call', async () => {
    const Objects = keys.map((Key) => ({ Key }))
    const reply = await client.send(
      new DeleteObjectsCommand({ Bucket: 'sdk-lists', Delete: { Objects } }),
    )
    expect(reply.Deleted?.map(({ Key }) => Key)).toEqual(keys)
    expect(await pages({})).toEqual([])
  })
})

describe('buckets', () => {
  it('are listed, and have a place', async () => {
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}))
    expect(Buckets.map(({ Name }) => Name)).toEqual([BUCKET, 'sdk-lists'])
    const location = await client.send(new GetBucketLocationCommand({ Bucket: BUCKET }))
    expect(location.LocationConstraint ?? '').toBe('')
    const call = client.send(new HeadBucketCommand({ Bucket: `none-${randomUUID()}` }))
    expect(await nameOfError(call)).toBe('NotFound')
  })

  it('say what they do not do', async () => {
    const versioning = client.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))
    expect(await nameOfError(versioning)).toBe('NotImplemented')
    const tagged = put('tagged', 'x', { Tagging: 'a=b' })
    expect(await nameOfError(tagged)).toBe('NotImplemented')
    expect(await nameOfError(put('sse', 'x', { ServerSideEncryption: 'AES256' }))).toBe(
      'NotImplemented',
    )
  })
})

async function create(Key: string, ChecksumAlgorithm?: 'CRC32') {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...at(Key), ChecksumAlgorithm }),
  )
  return { ...at(Key), UploadId }
}

async function multipart(Key: string, bodies: readonly Buffer[], algorithm?: 'CRC32') {
  const target = await create(Key, algorithm)
  const Parts = []
  for (const [i, Body] of bodies.entries()) {
    const part = { ...target, PartNumber: i + 1, Body, ChecksumAlgorithm: algorithm }
    const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(part))
    Parts.push({ PartNumber: i + 1, ETag, ChecksumCRC32 })
  }
  return client.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } }))
}
