import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPartway } from '../../../src/coordinator/create-partway.js'
import type { Partway, SignedBatches } from '../../../src/coordinator/partway.js'
import type { SessionStore } from '../../../src/coordinator/ports.js'
import type { InitRequest } from '../../../src/protocol/index.js'
import { openSqliteSessionStore } from '../../../src/sessions/sqlite/index.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'

const OLD = 'the old secret, of at least 32 bytes'
const NEW = 'the new secret, of at least 32 bytes'
const OTHER = 'another secret, of at least 32 bytes'
const ADA = { owner: 'ada' }
const MIB = 1024 * 1024
const FILE: InitRequest = {
  filename: 'a.bin',
  size: 5 * MIB + 10,
  chunkSize: 5 * MIB,
  checksum: 'none',
  fingerprint: 'a',
}

let store: SessionStore
let finds: number
let bucket: MemoryBucket
beforeEach(async () => {
  finds = 0
  const opened = openSqliteSessionStore(':memory:')
  const find: SessionStore['find'] = (...args) => {
    finds += 1
    return opened.find(...args)
  }
  store = new Proxy(opened, {
    get: (target, name) => {
      if (name === 'find') return find
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  bucket = new MemoryBucket()
  await bucket.start()
})
afterEach(async () => {
  await store.close()
  await bucket.stop()
})

const partwayWith = (...secret: string[]): Partway =>
  createPartway({ store, bucket, signer: bucket, secret })

async function send(partway: Partway, uploadId: string, ...indexes: number[]): Promise<void> {
  const sign = indexes.map((index) => ({ index }))
  const { parts } = await partway.parts(ADA, { uploadId, sign })
  for await (const batch of parts satisfies SignedBatches) {
    for (const { url, size, headers } of batch) {
      const reply = await fetch(url, { method: 'PUT', headers, body: Buffer.alloc(size, 7) })
      expect(reply.status).toBe(200)
    }
  }
}

const idOf = async (partway: Partway, request = FILE, caller = ADA) =>
  (await partway.init(caller, request)).reply.uploadId

describe('an upload that was begun under a secret of before', () => {
  it('goes on under its own id, with the parts that it has, and is completed', async () => {
    const before = partwayWith(OLD)
    const id = await idOf(before)
    await send(before, id, 1)

    const after = partwayWith(NEW, OLD)
    const { created, reply } = await after.init(ADA, FILE)
    expect({ created, id: reply.uploadId }).toEqual({ created: false, id })
    const { uploaded } = await after.status(ADA, { uploadId: id, reconcile: 'true' })
    expect(uploaded.map(({ index }) => index)).toEqual([1])
    await send(after, id, 2)
    expect(await after.complete(ADA, { uploadId: id })).toMatchObject({ state: 'completed' })
    expect((await after.init(ADA, FILE)).reply).toMatchObject({ uploadId: id, state: 'completed' })
    expect(bucket.calls.filter((call) => call === 'createMultipartUpload')).toHaveLength(1)
  })

  it.each([
    ['the first of several', [NEW, OLD, OTHER]],
    ['the last of several', [NEW, OTHER, OLD]],
  ])('is found by %s', async (_, secrets) => {
    const id = await idOf(partwayWith(OLD))
    expect(await idOf(partwayWith(...secrets))).toBe(id)
  })

  it('is found while some servers have the new secret already', async () => {
    const first = partwayWith(OLD, NEW)
    const second = partwayWith(NEW, OLD)
    const id = await idOf(second)
    expect(await idOf(first)).toBe(id)
  })

  it('is one upload for callers that race', async () => {
    const id = await idOf(partwayWith(OLD))
    const after = partwayWith(NEW, OLD)
    const ids = await Promise.all(Array.from({ length: 10 }, () => idOf(after)))
    expect(new Set(ids)).toEqual(new Set([id]))
  })

  it('is no longer found without that secret', async () => {
    const id = await idOf(partwayWith(OLD))
    expect(await idOf(partwayWith(NEW))).not.toBe(id)
  })

  it('is nothing to another owner', async () => {
    const id = await idOf(partwayWith(OLD))
    const after = partwayWith(NEW, OLD)
    expect(await idOf(after, FILE, { owner: 'bob' })).not.toBe(id)
  })

  it('and was aborted is begun anew under the first secret', async () => {
    const before = partwayWith(OLD)
    const id = await idOf(before)
    await before.abort(ADA, { uploadId: id })
    const after = partwayWith(NEW, OLD)
    expect(await idOf(after)).toBe(await idOf(partwayWith(NEW)))
    expect(await idOf(after)).not.toBe(id)
  })
})

describe('a new upload', () => {
  it('has an id by the first secret alone', async () => {
    const id = await idOf(partwayWith(NEW, OLD))
    expect(await idOf(partwayWith(NEW))).toBe(id)
  })

  it('costs no look at the store more when there is one secret, or nothing to know the file by', async () => {
    await idOf(partwayWith(NEW))
    const { fingerprint: _, ...anonymous } = FILE
    await idOf(partwayWith(NEW, OLD), anonymous)
    expect(finds).toBe(0)
    await idOf(partwayWith(NEW, OLD))
    expect(finds).toBeGreaterThan(0)
  })
})

describe('createPartway', () => {
  it.each([[[]], [['short']], [[NEW, 'short']], ['short']])('refuses the secrets %j', (secret) => {
    expect(() => createPartway({ store, bucket, signer: bucket, secret })).toThrow(TypeError)
  })
})
