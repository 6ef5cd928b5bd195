import { afterEach, describe, expect, it } from 'vitest'
import { connectS3, type S3Bucket } from '../../../src/bucket/index.js'
import type { CompleteMultipart } from '../../../src/coordinator/ports.js'
import { type ScriptedReply, type ScriptedServer, scriptedServer } from './scripted-server.js'

const TARGET = { key: 'k', multipartId: 'm' }
const COMPLETE: CompleteMultipart = {
  ...TARGET,
  checksum: 'none',
  parts: [{ index: 1, etag: 'e' }],
  size: 5,
}

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** The adapter in front of an S3 that answers as the script says. */
async function bucketAnswering(
  ...script: ScriptedReply[]
): Promise<{ bucket: S3Bucket; server: ScriptedServer }> {
  const server = await scriptedServer(script)
  const { bucket, close } = connectS3({
    bucket: 'b',
    region: 'us-east-1',
    endpoint: server.url,
    credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
    completeTimeoutMs: 300,
  })
  cleanUps.push(close, server.stop)
  return { bucket, server }
}

function errorReply(status: number, code: string): ScriptedReply {
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>` }
}

function page(numbers: number[], next?: string): ScriptedReply {
  const parts = numbers.map(
    (n) => `<Part><PartNumber>${n}</PartNumber><ETag>"e${n}"</ETag><Size>5</Size></Part>`,
  )
  const more =
    next === undefined
      ? '<IsTruncated>false</IsTruncated><NextPartNumberMarker>9</NextPartNumberMarker>'
      : `<IsTruncated>true</IsTruncated><NextPartNumberMarker>${next}</NextPartNumberMarker>`
  return { status: 200, body: `<ListPartsResult>${more}${parts.join('')}</ListPartsResult>` }
}

const OPENED_AT = Date.UTC(2026, 0, 2)
const NEXT = { key: 'k', id: '1' }

/** A page with the uploads given as key, id, key, id, … */
function uploadsPage(uploads: string[], next?: { key: string; id: string }): ScriptedReply {
  const entries = uploads.flatMap((key, i) =>
    i % 2 === 0
      ? `<Upload><Key>${key}</Key><UploadId>${uploads[i + 1]}</UploadId><Initiated>${new Date(OPENED_AT).toISOString()}</Initiated></Upload>`
      : [],
  )
  const more = next
    ? `<NextKeyMarker>${next.key}</NextKeyMarker><NextUploadIdMarker>${next.id}</NextUploadIdMarker>`
    : ''
  const body = `<IsTruncated>${next !== undefined}</IsTruncated>${more}${entries.join('')}`
  return {
    status: 200,
    body: `<ListMultipartUploadsResult>${body}</ListMultipartUploadsResult>`,
  }
}

describe('S3Bucket completing a multipart upload', () => {
  it.each([
    ['NoSuchUpload', 404, 'gone'],
    ['PreconditionFailed', 412, 'conflict'],
    ['ConditionalRequestConflict', 409, 'conflict'],
    ['InvalidPart', 400, 'invalid-part'],
    ['InvalidPartOrder', 400, 'invalid-part'],
    ['BadDigest', 400, 'digest-differs'],
    ['XAmzContentChecksumMismatch', 400, 'digest-differs'],
    ['EntityTooSmall', 400, 'part-too-small'],
  ])('reads %s as an answer', async (code, status, kind) => {
    const { bucket } = await bucketAnswering(errorReply(status, code))
    expect(await bucket.completeMultipartUpload(COMPLETE)).toEqual({ kind })
  })

  it.each([
    ['a 200 that carries an error', errorReply(200, 'InternalError')],
    ['a 200 with nothing in it', { status: 200, body: '' }],
    ['a 503', errorReply(503, 'SlowDown')],
    ['a 500', errorReply(500, 'InternalError')],
    ['a 403', errorReply(403, 'AccessDenied')],
    ['a bucket that is not there', errorReply(404, 'NoSuchBucket')],
    ['a code that is not known', errorReply(400, 'InvalidRequest')],
    ['a reset', 'reset'],
    ['silence', 'silence'],
    ['a 200 that never ends', { status: 200, endless: true }],
  ] as const)('takes %s for no answer, and does not repeat the call', async (_, reply) => {
    const { bucket, server } = await bucketAnswering(reply)
    await expect(bucket.completeMultipartUpload(COMPLETE)).rejects.toThrow()
    expect(server.requests).toHaveLength(1)
  })

  it('reads the answer in a 200 that carries an error', async () => {
    const { bucket } = await bucketAnswering(errorReply(200, 'BadDigest'))
    expect(await bucket.completeMultipartUpload(COMPLETE)).toEqual({ kind: 'digest-differs' })
  })
})

describe('S3Bucket listing parts', () => {
  it('reads every page, and no more though the last one gives a marker', async () => {
    const { bucket, server } = await bucketAnswering(
      page([1, 2], '2'),
      page([5, 7], '7'),
      page([8]),
    )
    const outcome = await bucket.listParts(TARGET)
    expect(outcome.kind === 'listed' && outcome.parts.map((part) => part.index)).toEqual([
      1, 2, 5, 7, 8,
    ])
    expect(server.requests.map((url) => /part-number-marker=(\d+)/.exec(url)?.[1])).toEqual([
      undefined,
      '2',
      '7',
    ])
  })

  it('is an empty list for an upload without parts', async () => {
    const { bucket } = await bucketAnswering(page([]))
    expect(await bucket.listParts(TARGET)).toEqual({ kind: 'listed', parts: [] })
  })

  it.each([
    ['a page in the middle fails', [page([1, 2], '2'), errorReply(500, 'InternalError')]],
    ['the same page comes again', [page([1, 2], '2'), page([1, 2], '2')]],
    ['the marker goes back', [page([3, 4], '4'), page([5], '3')]],
    ['there should be more, but not where', [page([1], '')]],
    ['the marker is above any part number', [page([1], '10001')]],
    ['the numbers do not ascend', [page([2, 1])]],
    ['a part has no size', [{ status: 200, body: sizeless() }]],
  ])('rejects when %s', async (_, script) => {
    const { bucket } = await bucketAnswering(...script)
    await expect(bucket.listParts(TARGET)).rejects.toThrow()
  })

  it('says gone when the upload vanishes between two pages', async () => {
    const { bucket } = await bucketAnswering(page([1], '1'), errorReply(404, 'NoSuchUpload'))
    expect(await bucket.listParts(TARGET)).toEqual({ kind: 'gone' })
  })

  it('does not take a missing bucket for a missing upload', async () => {
    const { bucket } = await bucketAnswering(errorReply(404, 'NoSuchBucket'))
    await expect(bucket.listParts(TARGET)).rejects.toThrow()
    await expect(bucket.abortMultipartUpload(TARGET)).rejects.toThrow()
  })
})

describe('S3Bucket listing multipart uploads', () => {
  it('reads every page and leaves other keys out', async () => {
    const { bucket, server } = await bucketAnswering(
      uploadsPage(['k', 'one'], { key: 'k', id: 'one' }),
      uploadsPage(['k2', 'other'], { key: 'k2', id: 'other' }),
      uploadsPage(['k', 'two']),
    )
    expect(await bucket.listMultipartUploads('k')).toEqual({
      kind: 'listed',
      uploads: ['one', 'two'].map((multipartId) => ({ multipartId, initiatedAt: OPENED_AT })),
    })
    expect(server.requests).toHaveLength(3)
    expect(server.requests[1]).toMatch(/key-marker=k&.*upload-id-marker=one/)
  })

  it.each([
    [
      'a page in the middle fails',
      [uploadsPage(['k', '1'], NEXT), errorReply(500, 'InternalError')],
    ],
    ['the pages go round in a circle', [uploadsPage(['k', '1'], NEXT), uploadsPage([], NEXT)]],
    ['there should be more, but not where', [uploadsPage(['k', '1'], { key: '', id: '' })]],
    ['the bucket is not there', [errorReply(404, 'NoSuchBucket')]],
    ['the key is not known', [errorReply(403, 'InvalidAccessKeyId')]],
  ])('rejects when %s', async (_, script) => {
    const { bucket } = await bucketAnswering(...script)
    await expect(bucket.listMultipartUploads('k')).rejects.toThrow()
  })

  it.each([
    [501, 'NotImplemented'],
    [405, 'MethodNotAllowed'],
    [403, 'AccessDenied'],
  ])('says of a %i %s that there is no such list', async (status, code) => {
    const { bucket } = await bucketAnswering(errorReply(status, code))
    expect(await bucket.listMultipartUploads('k')).toEqual({ kind: 'unsupported' })
  })
})

describe('S3Bucket asking for an object', () => {
  it('says absent to a 404', async () => {
    const { bucket } = await bucketAnswering({ status: 404 })
    expect(await bucket.headObject('k')).toEqual({ kind: 'absent' })
  })

  it.each([403, 500, 503])('rejects a %i, which says nothing about the object', async (status) => {
    const { bucket } = await bucketAnswering({ status })
    await expect(bucket.headObject('k')).rejects.toThrow()
  })
})

describe('S3Bucket', () => {
  it('repeats a call that is safe to repeat', async () => {
    const { bucket, server } = await bucketAnswering(errorReply(503, 'SlowDown'), page([1]))
    expect((await bucket.listParts(TARGET)).kind).toBe('listed')
    expect(server.requests).toHaveLength(2)
  })

  it.each([403, 404, 503])(
    'is not ready when HEAD of the bucket is answered %i',
    async (status) => {
      const { bucket } = await bucketAnswering({ status })
      await expect(bucket.check()).rejects.toThrow()
    },
  )
})

function sizeless(): string {
  return '<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>"e"</ETag></Part></ListPartsResult>'
}
