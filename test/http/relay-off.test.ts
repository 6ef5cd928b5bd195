import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/http/index.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { memoryRelay } from '../helpers/memory-relay.js'
import { fakePartway } from './fake-partway.js'
import { post, serveRouter } from './http-app.js'
import { memoryPartway } from './memory-partway.js'
import { formOf } from './raw-form.js'

const bucket = new MemoryBucket()
const partway = memoryPartway(bucket, { relay: memoryRelay(bucket) })
beforeAll(() => bucket.start())
afterAll(async () => {
  await partway.close()
  await bucket.stop()
})

describe('without the relay', () => {
  it('there is no such route, and no word of it', async () => {
    const other = await serveRouter({ partway, owner: () => 'ada', log: () => {} })
    try {
      const reply = await fetch(`${other.url}/upload/chunk`, {
        method: 'POST',
        body: formOf(new Uint8Array(10)),
      })
      expect(reply.status).toBe(404)
      const begun = await post(`${other.url}/upload/init`, { filename: 'a', size: 1 })
      expect(await begun.json()).not.toHaveProperty('relay')
    } finally {
      await other.close()
    }
  })

  it('a coordinator that has none cannot be mounted with one', () => {
    expect(() => createRouter({ partway: fakePartway(), relay: {} })).toThrow(TypeError)
    expect(() => createRouter({ partway, relay: { concurrency: 0 } })).toThrow(TypeError)
  })
})
