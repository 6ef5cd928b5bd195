import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPartway } from '../../src/coordinator/create-partway.js'
import type { Limits } from '../../src/coordinator/limits.js'
import type { SessionStore } from '../../src/coordinator/ports.js'

import { initReply, MIB } from '../../src/protocol/index.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { type HttpApp, post, problemOf, serveRouter } from './http-app.js'

/** A host application that knows its users, and what each of them may do. */
const bucket = new MemoryBucket()
let store: SessionStore
let app: HttpApp
let limits: Limits
beforeEach(async () => {
  await bucket.start()
  store = openSqliteSessionStore(':memory:')
  const secret = 'a-secret-of-more-than-thirty-two-bytes'
  const partway = createPartway({ store, bucket, signer: bucket, secret })
  app = await serveRouter({
    partway,
    authenticate: async () => ({ owner: 'ada', limits }),
    log: () => {},
  })
})
afterEach(async () => {
  await app.close()
  await store.close()
  await bucket.stop()
})

const init = (fields: object = {}) =>
  post(`${app.url}/upload/init`, { filename: 'a.bin', size: MIB, checksum: 'none', ...fields })

async function begun(fields: object = {}): Promise<string> {
  const reply = await init(fields)
  expect(reply.status).toBe(201)
  return initReply.parse(await reply.json()).upload_id
}

describe('an owner at quota', () => {
  it('gets 429 with the numbers and when to try again, and after an abort the room', async () => {
    limits = { maxOpenUploads: 1 }
    const uploadId = await begun()
    const refused = await init()
    expect(refused.headers.get('Retry-After')).toBe('10')
    expect(await problemOf(refused)).toMatchObject({
      status: 429,
      code: 'LIMIT_REACHED',
      detail: 'You may have 1 upload under way at once, and have 1; finish or abort one first.',
      limit: 'max_open_uploads',
      max: 1,
      used: 1,
      asked: 1,
      retry_after_ms: 10_000,
    })
    await post(`${app.url}/upload/abort`, { upload_id: uploadId })
    await begun()
  })

  it('gets 413 with the numbers for a file that never fits', async () => {
    limits = { maxStoredBytes: 3 * MIB }
    await begun({ size: 2 * MIB })
    const refused = await init({ size: 1.5 * MIB })
    expect(refused.headers.get('Retry-After')).toBeNull()
    expect(await problemOf(refused)).toMatchObject({
      status: 413,
      code: 'QUOTA_EXCEEDED',
      detail:
        'You may store 3 MiB, of which 2 MiB are taken, uploads under way included; this one has 1.5 MiB.',
      limit: 'max_stored_bytes',
      max: 3 * MIB,
      used: 2 * MIB,
      asked: 1.5 * MIB,
    })
  })

  it('is answered in the same way when a reply was lost and the request is repeated', async () => {
    limits = { maxOpenUploads: 1 }
    const uploadId = await begun({ fingerprint: 'the same file' })
    const again = await init({ fingerprint: 'the same file' })
    expect(again.status).toBe(200)
    expect(initReply.parse(await again.json()).upload_id).toBe(uploadId)
  })

  it('opens of many uploads no more than there may be, and costs the bucket nothing besides', async () => {
    limits = { maxOpenUploads: 5 }
    bucket.calls.length = 0
    const replies = await Promise.all(Array.from({ length: 300 }, () => init()))
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(5)
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(295)
    expect(bucket.calls).toHaveLength(5)
  })
})

describe('what a caller may upload', () => {
  it.each<[Limits, object, number, object]>([
    [{ maxFileSize: MIB }, { size: MIB + 1 }, 413, { field: 'size', max_size: MIB, max: MIB }],
    [{ allowedTypes: ['image/*'] }, { content_type: 'text/html' }, 415, { field: 'content_type' }],
    [{ allowedTypes: ['image/*'] }, {}, 415, { field: 'content_type' }],
    [{ allowedExtensions: ['jpg'] }, { filename: 'a.jpg.html' }, 415, { field: 'filename' }],
    [{ allowedExtensions: ['jpg'] }, { filename: 'jpg' }, 415, { field: 'filename' }],
    [
      { minPartSize: 16 * MIB },
      { size: 40 * MIB, chunk_size: 8 * MIB },
      400,
      { min_chunk_size: 16 * MIB },
    ],
    [
      { maxPartSize: 6 * MIB },
      { size: 40 * MIB, chunk_size: 8 * MIB },
      400,
      { max_chunk_size: 6 * MIB },
    ],
    [{ maxPartSize: 6 * MIB }, { size: 60_001 * MIB }, 413, { max_size: 60_000 * MIB }],
  ])('is refused by %j when it is %j', async (given, fields, status, problem) => {
    limits = given
    expect(await problemOf(await init(fields))).toMatchObject({ status, ...problem })
  })

  it.each<[Limits, object]>([
    [{ maxFileSize: MIB }, {}],
    [{ allowedTypes: ['image/*'] }, { content_type: 'Image/PNG; a=b' }],
    [{ allowedTypes: ['*/*'] }, { content_type: 'text/html' }],
    [{ allowedExtensions: ['jpg', 'tar.gz'] }, { filename: 'photos.TAR.GZ' }],
    [{ allowedExtensions: ['*'] }, { filename: 'no ending' }],
    [{ minPartSize: 16 * MIB }, { size: 40 * MIB }],
    [{ maxPartSize: 6 * MIB }, { size: 40 * MIB }],
  ])('is taken by %j when it is %j', async (given, fields) => {
    limits = given
    await begun(fields)
  })
})

describe('limits that are no limits', () => {
  it.each([
    { maxOpenUpload: 1 },
    { maxOpenUploads: -1 },
    { maxFileSize: Number.NaN },
    { maxStoredBytes: '10' },
    { allowedTypes: 'image/png' },
    { minPartSize: 2, maxPartSize: 1 },
  ])('never count as none, when a host application gives %j', async (given) => {
    limits = given as Limits
    expect(await problemOf(await init())).toMatchObject({ status: 500, code: 'INTERNAL' })
  })

  it('are refused when the coordinator is put together', () => {
    const secret = 'a-secret-of-more-than-thirty-two-bytes'
    const typo = { maxOpenUpload: 1 } as Limits
    const create = () => createPartway({ store, bucket, signer: bucket, secret, limits: typo })
    expect(create).toThrow(TypeError)
  })
})
