import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BeforeInit, BeforeInitRequest } from '../../../src/coordinator/before-init.js'
import { createPartway, type PartwayOptions } from '../../../src/coordinator/create-partway.js'
import type { Caller, Partway } from '../../../src/coordinator/partway.js'
import type { SessionStore } from '../../../src/coordinator/ports.js'
import { UploadError } from '../../../src/coordinator/upload-error.js'
import { encodeMetadataValue, type InitRequest } from '../../../src/protocol/index.js'
import { openSqliteSessionStore } from '../../../src/sessions/sqlite/index.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'

const SECRET = 'the secret, which is of at least 32 bytes'
const MIB = 1024 * 1024
const ADA: Caller = { owner: 'ada' }
const FILE: InitRequest = {
  filename: 'dir/a.bin',
  size: 5 * MIB + 10,
  chunkSize: 5 * MIB,
  checksum: 'none',
  fingerprint: 'a',
  contentType: 'image/png',
  metadata: { album: 'summer' },
}

let store: SessionStore
let bucket: MemoryBucket
beforeEach(async () => {
  store = openSqliteSessionStore(':memory:')
  bucket = new MemoryBucket()
  await bucket.start()
})
afterEach(async () => {
  await store.close()
  await bucket.stop()
})

function partwayWith(beforeInit?: BeforeInit, options: Partial<PartwayOptions> = {}): Partway {
  const hook = beforeInit && { beforeInit }
  return createPartway({ store, bucket, signer: bucket, secret: SECRET, ...hook, ...options })
}

const allowing =
  (
    decision: Omit<Extract<Awaited<ReturnType<BeforeInit>>, { allow: true }>, 'allow'> = {},
  ): BeforeInit =>
  () => ({ allow: true, ...decision })

const idOf = async (partway: Partway, request = FILE, caller = ADA) =>
  (await partway.init(caller, request)).reply.uploadId

async function refusalOf(work: Promise<unknown>): Promise<UploadError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof UploadError) return error
  throw new Error(`not a refusal: ${String(error)}`)
}

async function sendAll(partway: Partway, uploadId: string): Promise<void> {
  const { parts } = await partway.parts(ADA, { uploadId, sign: [{ index: 1 }, { index: 2 }] })
  for await (const batch of parts) {
    for (const { url, size, headers } of batch) {
      await fetch(url, { method: 'PUT', headers, body: Buffer.alloc(size, 7) })
    }
  }
}

/** The key under which the upload is, as the store has it. */
const keyOf = async (id: string) => (await store.find({ owner: 'ada', id }, Date.now()))?.upload.key

describe('the hook', () => {
  it('is told what is asked for, and nothing else of who asks', async () => {
    const told: BeforeInitRequest[] = []
    const partway = partwayWith(async (request) => {
      told.push(request)
      return { allow: true }
    })
    await partway.init({ ...ADA, limits: { maxFileSize: 10 * MIB } }, { ...FILE, sign: 'all' })
    await partway.init(ADA, { filename: 'b.bin', size: 7, fileHash: 'AB'.repeat(32) })
    const { chunkSize, checksum, fingerprint, contentType, metadata, size } = FILE
    expect(told).toEqual([
      {
        owner: 'ada',
        filename: 'a.bin',
        ...{ chunkSize, checksum, fingerprint, contentType, metadata, size },
      },
      { owner: 'ada', filename: 'b.bin', size: 7, fileHash: 'ab'.repeat(32) },
    ])
  })

  it('is asked before the store and the bucket, at each init and at nothing else', async () => {
    const callsBefore: number[] = []
    const partway = partwayWith(async () => {
      const { openUploads } = await store.usage('ada', Date.now())
      callsBefore.push(bucket.calls.length + openUploads)
      return { allow: true }
    })
    const id = await idOf(partway)
    expect(await idOf(partway)).toBe(id)
    expect(callsBefore).toEqual([0, expect.any(Number)])
    await partway.status(ADA, { uploadId: id, reconcile: 'true' })
    await sendAll(partway, id)
    await partway.complete(ADA, { uploadId: id })
    await partway.list(ADA, {})
    expect(callsBefore).toHaveLength(2)
  })

  it('is not asked for what is refused anyway', async () => {
    const partway = partwayWith(() => {
      throw new Error('asked')
    })
    const tiny = { ...ADA, limits: { maxFileSize: 1 } }
    expect(await refusalOf(partway.init(tiny, FILE))).toMatchObject({ code: 'FILE_TOO_LARGE' })
    const wrong = partway.init(ADA, { ...FILE, filename: '..' })
    expect(await refusalOf(wrong)).toMatchObject({ code: 'INVALID_REQUEST' })
  })

  it('may refuse, in its own words or in ours, and nothing is opened', async () => {
    const own = partwayWith(() => ({ allow: false, message: 'The project “Sommer” is closed.' }))
    expect(await refusalOf(own.init(ADA, FILE))).toMatchObject({
      code: 'INIT_REFUSED',
      status: 403,
      message: 'The project “Sommer” is closed.',
    })
    const ours = partwayWith(() => ({ allow: false }))
    expect(await refusalOf(ours.init(ADA, FILE))).toMatchObject({
      message: 'This upload is not allowed.',
    })
    expect(bucket.calls).toEqual([])
    expect((await ours.usage(ADA)).openUploads).toBe(0)
  })

  it('is not got past by an upload that was allowed before', async () => {
    const id = await idOf(partwayWith(allowing()))
    const closed = partwayWith(() => ({ allow: false }))
    expect(await refusalOf(closed.init(ADA, FILE))).toMatchObject({ code: 'INIT_REFUSED' })
    expect(await closed.status(ADA, { uploadId: id })).toMatchObject({ state: 'uploading' })
  })

  it('may throw a refusal of its own', async () => {
    const partway = partwayWith(() => {
      throw new UploadError('QUOTA_EXCEEDED', 'The project is full.')
    })
    expect(await refusalOf(partway.init(ADA, FILE))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: 'The project is full.',
    })
  })

  it('lets nobody in when it fails, and the cause is for the log', async () => {
    const cause = new Error('the database is away')
    const partway = partwayWith(async () => {
      throw cause
    })
    const refusal = await refusalOf(partway.init(ADA, FILE))
    expect(refusal).toMatchObject({ code: 'HOOK_UNAVAILABLE', status: 503, cause })
    expect(refusal.details.retryAfterMs).toBeGreaterThan(0)
    expect(refusal.message).not.toContain('database')
    expect(bucket.calls).toEqual([])
  })

  it.each([
    ['nothing', undefined],
    ['true', true],
    ['no decision', {}],
    ['a text for a decision', { allow: 'true' }],
    ['a field that does not exist', { allow: true, keyprefix: 'a/' }],
    ['a message with a permission', { allow: true, message: 'yes' }],
    ['a prefix with a refusal', { allow: false, keyPrefix: 'a/' }],
    ['a prefix without its slash', { allow: true, keyPrefix: 'a' }],
    ['a prefix that leads up', { allow: true, keyPrefix: 'a/../' }],
    ['an absolute prefix', { allow: true, keyPrefix: '/a/' }],
    ['a prefix with an empty segment', { allow: true, keyPrefix: 'a//b/' }],
    ['a prefix with other characters', { allow: true, keyPrefix: 'ä b/' }],
    ['a prefix that is too long', { allow: true, keyPrefix: `${'a'.repeat(700)}/` }],
    ['a misspelt limit', { allow: true, limits: { maxFilesize: 1 } }],
    ['a limit that is none', { allow: true, limits: { maxFileSize: -1 } }],
    ['limits of nothing', { allow: true, limits: null }],
    [
      'limits without a size for a part',
      { allow: true, limits: { minPartSize: 9, maxPartSize: 8 } },
    ],
    ['metadata of the server', { allow: true, metadata: { 'partway-token': 'x' } }],
    ['metadata that is no text', { allow: true, metadata: { a: 1 } }],
    [
      'metadata that is too large',
      { allow: true, metadata: { a: 'a'.repeat(1_024), b: 'a'.repeat(1_024) } },
    ],
    ['a message on two lines', { allow: false, message: 'a\nb' }],
    ['a message that turns text round', { allow: false, message: 'a\u202eb' }],
    ['a message without end', { allow: false, message: 'a'.repeat(501) }],
  ])('lets nobody in when it decides on %s', async (_, decision) => {
    const partway = partwayWith(() => decision as never)
    const refusal = await refusalOf(partway.init(ADA, FILE))
    expect(refusal).toMatchObject({ code: 'HOOK_UNAVAILABLE', cause: expect.any(TypeError) })
    expect(bucket.calls).toEqual([])
  })
})

describe('a key prefix of the hook', () => {
  const settings = { keyPrefix: 'uploads/' }

  it('comes after that of the server, and each init finds the upload there', async () => {
    const partway = partwayWith(allowing({ keyPrefix: 'acme/2026/' }), { settings })
    const { created, reply } = await partway.init(ADA, FILE)
    expect(created).toBe(true)
    expect(await keyOf(reply.uploadId)).toBe(`uploads/acme/2026/${reply.uploadId}/a.bin`)
    expect(await partway.init(ADA, FILE)).toMatchObject({
      created: false,
      reply: { uploadId: reply.uploadId },
    })
    await sendAll(partway, reply.uploadId)
    const done = await partway.complete(ADA, { uploadId: reply.uploadId })
    expect(done).toMatchObject({
      state: 'completed',
      object: { key: `uploads/acme/2026/${reply.uploadId}/a.bin` },
    })
  })

  it('makes another upload of the same file, so that what the hook says of the place holds', async () => {
    const [acme, other, none, empty] = await Promise.all(
      [{ keyPrefix: 'acme/' }, { keyPrefix: 'other/' }, {}, { keyPrefix: '' }].map((decision) =>
        idOf(partwayWith(allowing(decision), { settings })),
      ),
    )
    expect(new Set([acme, other, none]).size).toBe(3)
    expect(empty).toBe(none)
    // Without a hook an upload has the id that it always had.
    expect(await idOf(partwayWith(undefined, { settings }))).toBe(none)
  })

  it('is where the parts are found again after the store was lost', async () => {
    const hook = allowing({ keyPrefix: 'acme/' })
    const before = partwayWith(hook, { settings })
    const id = await idOf(before)
    await sendAll(before, id)
    await store.close()
    store = openSqliteSessionStore(':memory:')
    const { reply } = await partwayWith(hook, { settings }).init(ADA, FILE)
    expect(reply).toMatchObject({ uploadId: id, state: 'uploading' })
    expect(reply.uploaded.map(({ index }) => index)).toEqual([1, 2])
  })

  it('holds for an upload that was begun under a secret of before', async () => {
    const hook = allowing({ keyPrefix: 'acme/' })
    const id = await idOf(partwayWith(hook))
    const secret = ['another secret, of at least 32 bytes', SECRET]
    expect(await idOf(partwayWith(hook, { secret }))).toBe(id)
    expect(await idOf(partwayWith(allowing({ keyPrefix: 'other/' }), { secret }))).not.toBe(id)
  })

  it('is not got past by content that is stored elsewhere', async () => {
    const { fingerprint: _, ...described } = FILE
    const hash: InitRequest = { ...described, fileHash: await sha256(FILE.size) }
    const acme = partwayWith(allowing({ keyPrefix: 'acme/' }))
    const id = await idOf(acme, hash)
    await sendAll(acme, id)
    await acme.complete(ADA, { uploadId: id })
    await acme.resume({ owner: 'ada', id })
    const again = await acme.init(ADA, { ...hash, filename: 'b.bin' })
    expect(again.reply).toMatchObject({ state: 'completed' })
    const other = partwayWith(allowing({ keyPrefix: 'other/' }))
    expect((await other.init(ADA, hash)).reply).toMatchObject({ state: 'uploading', uploaded: [] })
  })
})

describe('metadata of the hook', () => {
  it('is added to that of the client, and goes before it', async () => {
    const partway = partwayWith(allowing({ metadata: { album: 'winter', project: 'Grün' } }))
    const id = await idOf(partway)
    await sendAll(partway, id)
    await partway.complete(ADA, { uploadId: id })
    const head = await bucket.headObject((await keyOf(id)) ?? '')
    expect(head.kind === 'found' && head.object.metadata).toMatchObject({
      album: 'winter',
      project: encodeMetadataValue('Grün'),
    })
  })

  it('is no reason for another id', async () => {
    const id = await idOf(partwayWith())
    expect(await idOf(partwayWith(allowing({ metadata: { project: 'a' } })))).toBe(id)
  })

  it('needs room beside that of the client', async () => {
    const partway = partwayWith(allowing({ metadata: { project: 'a'.repeat(900) } }))
    const refusal = await refusalOf(
      partway.init(ADA, { ...FILE, metadata: { note: 'b'.repeat(1_000) } }),
    )
    expect(refusal).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { errors: [{ field: 'metadata' }] },
    })
  })
})

describe('limits of the hook', () => {
  it.each([
    [{ maxFileSize: 5 * MIB }, 'FILE_TOO_LARGE'],
    [{ allowedTypes: ['video/*'] }, 'TYPE_NOT_ALLOWED'],
    [{ allowedExtensions: ['png'] }, 'TYPE_NOT_ALLOWED'],
    [{ maxOpenUploads: 0 }, 'LIMIT_REACHED'],
    [{ maxStoredBytes: 5 * MIB }, 'QUOTA_EXCEEDED'],
    [{ maxPartSize: 5 * MIB - 1 }, 'INVALID_CHUNK_SIZE'],
  ])('%j make it %s', async (limits, code) => {
    const partway = partwayWith(allowing({ limits }))
    expect(await refusalOf(partway.init(ADA, FILE))).toMatchObject({ code })
    expect(bucket.calls).toEqual([])
  })

  it('give nobody more than the caller and the server allow', async () => {
    const wide = { maxFileSize: 50 * MIB, allowedTypes: ['*/*'], maxOpenUploads: 100 }
    const partway = partwayWith(allowing({ limits: wide }), {
      limits: { allowedTypes: ['image/*'], maxOpenUploads: 1 },
    })
    const small = { ...ADA, limits: { maxFileSize: 5 * MIB } }
    const codes = [
      await refusalOf(partway.init(small, FILE)),
      await refusalOf(partway.init(ADA, { ...FILE, contentType: 'video/mp4' })),
      await partway
        .init(ADA, FILE)
        .then(() => refusalOf(partway.init(ADA, { ...FILE, fingerprint: 'b' }))),
    ].map(({ code }) => code)
    expect(codes).toEqual(['FILE_TOO_LARGE', 'TYPE_NOT_ALLOWED', 'LIMIT_REACHED'])
  })

  it('are those of init: an upload that was let in goes on', async () => {
    let limits = {}
    const partway = partwayWith(() => ({ allow: true, limits }))
    const id = await idOf(partway)
    limits = { maxFileSize: 1 }
    await sendAll(partway, id)
    expect(await partway.complete(ADA, { uploadId: id })).toMatchObject({ state: 'completed' })
    expect(await refusalOf(partway.init(ADA, FILE))).toMatchObject({ code: 'FILE_TOO_LARGE' })
  })
})

async function sha256(size: number): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', Buffer.alloc(size, 7))
  return Buffer.from(digest).toString('hex')
}
