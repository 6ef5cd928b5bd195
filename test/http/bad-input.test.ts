import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { initReply } from '../../src/protocol/index.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { type HttpApp, post, problemOf, serveApp } from './http-app.js'
import { memoryPartway } from './memory-partway.js'
import { serverApp } from './server-app.js'

/** Everything but the bucket's bytes is real here: what a bad request does, it does in production. */

const MIB = 1024 * 1024
const FILE = {
  filename: 'a.png',
  size: 20 * MIB,
  chunk_size: 8 * MIB,
  content_type: 'image/png',
  checksum: 'sha256',
}
const SHA256 = Buffer.alloc(32).toString('base64')
const ETAG = 'd41d8cd98f00b204e9800998ecf8427e'

const bucket = new MemoryBucket()
const partway = memoryPartway(bucket, {
  limits: { maxFileSize: 1024 * MIB, allowedTypes: ['image/*'] },
})
let app: HttpApp
let uploadId: string

beforeAll(async () => {
  await bucket.start()
  app = await serveApp(serverApp({ partway }).app)
  const created = await post(`${app.url}/upload/init`, FILE)
  uploadId = initReply.parse(await created.json()).upload_id
  bucket.calls.length = 0
})
afterAll(async () => {
  await app.close()
  await partway.close()
  await bucket.stop()
})
afterEach(() => {
  expect(bucket.calls, 'what a refused request did at the bucket').toEqual([])
})

const init = (fields: object) => post(`${app.url}/upload/init`, { ...FILE, ...fields })
const parts = (fields: object) =>
  post(`${app.url}/upload/parts`, { upload_id: uploadId, ...fields })

describe('init refuses', () => {
  it.each([0, -1, 1.5, '10', null, 2 ** 53, true])('the size %j', async (size) => {
    expect(await problemOf(await init({ size }))).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      field: 'size',
    })
  })

  it.each([0, -1, 5.5, '8388608'])('the chunk size %j', async (chunk_size) => {
    expect(await problemOf(await init({ chunk_size }))).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      field: 'chunk_size',
    })
  })

  it('a chunk size that is too small, and names the smallest that can work', async () => {
    const problem = await problemOf(await init({ chunk_size: MIB }))
    expect(problem).toMatchObject({
      status: 400,
      code: 'INVALID_CHUNK_SIZE',
      field: 'chunk_size',
      min_chunk_size: 5 * MIB,
    })
    expect(problem.detail).toContain(String(5 * MIB))
  })

  it('a file that is too large, with the limit', async () => {
    expect(await problemOf(await init({ size: 1025 * MIB }))).toMatchObject({
      status: 413,
      code: 'FILE_TOO_LARGE',
      field: 'size',
      max_size: 1024 * MIB,
    })
  })

  it.each([
    'a\u0000b',
    'a\nb',
    'a\u007fb',
    'a\u0085b',
    'exe\u202egnp.bin',
    'a\u200bb',
    'a\ud800b',
    '',
    '..',
    'dir/',
    'ü'.repeat(128),
  ])('the file name %j', async (filename) => {
    expect(await problemOf(await init({ filename }))).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      field: 'filename',
    })
  })

  it.each([
    ['file_hash', 'abc'],
    ['file_hash', 'g'.repeat(64)],
    ['file_hash', 'a'.repeat(63)],
    ['digest', 'not base64!'],
    ['digest', SHA256],
    ['digest', `${SHA256}-2`],
    ['fingerprint', ''],
    ['fingerprint', 'a\u0000'],
    ['fingerprint', 'a'.repeat(513)],
    ['content_type', 'png'],
    ['content_type', 'image/png\r\nX-Evil: 1'],
    ['checksum', 'sha1'],
    ['sign', 'all'],
    ['sign', 0],
    ['unknown', 1],
    ['chunkSize', 1],
    ['metadata', 'text'],
  ])('%s = %j', async (field, value) => {
    expect(await problemOf(await init({ [field]: value }))).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      field,
    })
  })

  it('a type that is not allowed', async () => {
    expect(await problemOf(await init({ content_type: 'video/mp4' }))).toMatchObject({
      status: 415,
      code: 'TYPE_NOT_ALLOWED',
      field: 'content_type',
    })
  })

  it.each([
    { 'Upper-Case': 'x' },
    { 'partway-token': 'x' },
    { key: 'a\nb' },
    { key: 'x'.repeat(1_025) },
    { a: 'x'.repeat(1_000), b: 'x'.repeat(1_000) },
  ])('the metadata %#', async (metadata) => {
    const problem = await problemOf(await init({ metadata }))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
    expect(problem.field).toMatch(/^metadata/)
  })

  it('several faults at once, and names each', async () => {
    const problem = await problemOf(await init({ size: -1, chunk_size: 'x', other: 1 }))
    expect(problem.errors?.map((error) => error.field).sort()).toEqual([
      'chunk_size',
      'other',
      'size',
    ])
  })
})

describe('parts refuses', () => {
  it.each([
    [{ sign: [{ index: 0, checksum: SHA256 }] }, 'sign.0.index'],
    [{ sign: [{ index: 10_001, checksum: SHA256 }] }, 'sign.0.index'],
    [{ sign: [{ index: 1.5, checksum: SHA256 }] }, 'sign.0.index'],
    [{ sign: [{ index: 1, checksum: SHA256, size: 3 }] }, 'sign.0.size'],
    [{ sign: [{ index: 1, checksum: '***' }] }, 'sign.0.checksum'],
    [{ sign: 'all' }, 'sign'],
    [{ uploaded: [{ index: 0, etag: ETAG }] }, 'uploaded.0.index'],
    [{ uploaded: [{ index: 1 }] }, 'uploaded.0.etag'],
    [{ uploaded: [{ index: 1, etag: 'a\nb' }] }, 'uploaded.0.etag'],
    [{ upload_id: '../etc' }, 'upload_id'],
    [{ upload_id: 7 }, 'upload_id'],
  ])('%j', async (fields, field) => {
    expect(await problemOf(await parts(fields))).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      field,
    })
  })

  it('an index past the last part', async () => {
    const bad = [
      { sign: [{ index: 4, checksum: SHA256 }] },
      { uploaded: [{ index: 4, etag: ETAG, checksum: SHA256 }] },
    ]
    for (const fields of bad) {
      expect(await problemOf(await parts(fields))).toMatchObject({
        status: 400,
        code: 'INDEX_OUT_OF_RANGE',
        total_chunks: 3,
      })
    }
  })

  it('to sign a part without its checksum', async () => {
    expect(await problemOf(await parts({ sign: [{ index: 1 }] }))).toMatchObject({
      status: 400,
      code: 'CHECKSUM_REQUIRED',
    })
  })

  it.each([16, 31, 33])('a checksum of %i bytes where 32 are due', async (bytes) => {
    const checksum = Buffer.alloc(bytes).toString('base64')
    for (const fields of [
      { sign: [{ index: 1, checksum }] },
      { uploaded: [{ index: 1, etag: ETAG, checksum }] },
    ]) {
      const problem = await problemOf(await parts(fields))
      expect(problem.status).toBe(400)
      expect(problem.field).toMatch(/checksum$/)
    }
  })
})

describe('an upload that is not there', () => {
  it.each(['parts', 'complete', 'merge', 'abort'])('is answered 404 by %s', async (route) => {
    const response = await post(`${app.url}/upload/${route}`, { upload_id: 'nobody-knows-it' })
    expect(await problemOf(response)).toMatchObject({ status: 404, code: 'UPLOAD_NOT_FOUND' })
  })

  it.each(['', '&reconcile=true'])('is answered 404 by status%s', async (more) => {
    const response = await fetch(`${app.url}/upload/status?upload_id=nobody-knows-it${more}`)
    expect(await problemOf(response)).toMatchObject({ status: 404, code: 'UPLOAD_NOT_FOUND' })
  })
})

describe('complete refuses', () => {
  const complete = (fields: object) =>
    post(`${app.url}/upload/complete`, { upload_id: uploadId, ...fields })

  it.each([
    [{ digest: 'x' }, 'digest'],
    [{ digest: `${SHA256}-2` }, 'digest'],
    [{ parts: [{ index: 0, etag: ETAG }] }, 'parts.0.index'],
    [{ parts: 'all' }, 'parts'],
    [{ force: true }, 'force'],
  ])('%j', async (fields, field) => {
    expect(await problemOf(await complete(fields))).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      field,
    })
  })
})

it('after all of it only the upload of the start is there', async () => {
  const response = await fetch(`${app.url}/uploads`)
  expect(await response.json()).toMatchObject({ uploads: [{ upload_id: uploadId }] })
  expect(bucket.openUploads()).toHaveLength(1)
})
