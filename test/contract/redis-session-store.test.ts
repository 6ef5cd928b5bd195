import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  connectRedisSessionStore,
  RedisSessionStore,
  redisConcerns,
} from '../../src/sessions/redis/index.js'
import { redisUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { sessionStoreContract } from './session-store.contract.js'
import {
  begun,
  change,
  claimed,
  draftOfParts,
  LIFE,
  NOW,
  opened,
  sum,
  tag,
} from './session-store.fixtures.js'

const url = redisUrl()

class CountingRedis extends Redis {
  sent = 0

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    this.sent++
    return super.sendCommand(...args)
  }
}

async function removeKeys(redis: Redis, keyPrefix: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `${keyPrefix}*`, count: 1_000 })) {
    if (keys.length > 0) await redis.unlink(...keys)
  }
}

needsService('Redis', url, () => {
  sessionStoreContract('Redis', async () => {
    const keyPrefix = `test:${randomUUID()}:`
    const { store, redis } = await connectRedisSessionStore(url, { keyPrefix })
    return {
      store,
      another: async () => (await connectRedisSessionStore(url, { keyPrefix })).store,
      close: async () => {
        await removeKeys(redis, keyPrefix)
        await store.close()
      },
    }
  })

  describe('Redis as a session store', () => {
    const keyPrefix = `test:${randomUUID()}:`
    const redis = new Redis(url, { lazyConnect: true })
    const store = new RedisSessionStore({ redis, keyPrefix })
    beforeAll(() => redis.connect())
    afterAll(async () => {
      await removeKeys(redis, keyPrefix)
      redis.disconnect()
    })

    const parts = Array.from({ length: 10_000 }, (_, position) => {
      const index = position + 1
      return { index, etag: tag(index), checksum: sum(index) }
    })

    it('takes at most 128 bytes for each of 10,000 parts, however they arrive', async () => {
      const owner = randomUUID()
      const batches = { atOnce: 10_000, oneByOne: 1 }
      for (const [id, size] of Object.entries(batches)) {
        const draft = await opened(store, draftOfParts(10_000, { owner, id }))
        const calls: Promise<unknown>[] = []
        for (let at = 0; at < parts.length; at += size) {
          calls.push(store.recordParts(draft, change({ arrived: parts.slice(at, at + size) })))
        }
        await Promise.all(calls)
      }
      const keys = await redis.keys(`${keyPrefix}{${owner}}:*`)
      const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)))
      const bytes = sizes.reduce<number>((all, size) => all + Number(size), 0)
      expect(keys.filter((key) => key.includes(':parts:'))).toHaveLength(2)
      expect(bytes / 20_000).toBeLessThanOrEqual(128)
    })

    it('keeps every key for as long as its record, and an hour, and no longer', async () => {
      const owner = randomUUID()
      const short = { expiresAt: NOW + 60_000, keepUntil: NOW + 60_000 }
      const draft = await opened(store, { owner, id: 'short', checksum: 'none' }, short)
      const arrived = [
        { index: 1, etag: 'odd' },
        { index: 2, etag: tag(2) },
      ]
      await store.recordParts(draft, change({ ...short, arrived }))
      await opened(store, { owner, id: 'long' })
      const margin = 3_600_000
      const ends = new Map<string, number>()
      for (const key of await redis.keys(`${keyPrefix}{${owner}}:*`)) {
        ends.set(key.slice(key.indexOf('}') + 2), Number(await redis.call('PEXPIRETIME', key)))
      }
      expect(Object.fromEntries(ends)).toEqual({
        uploads: LIFE.keepUntil + margin,
        'by-age': LIFE.keepUntil + margin,
        'by-end': LIFE.keepUntil + margin,
        'parts:short': short.keepUntil + margin,
        'etags:short': short.keepUntil + margin,
      })
    })

    it('makes one call to Redis for each step, whatever the number of parts', async () => {
      const counting = new CountingRedis(url, { lazyConnect: true })
      await counting.connect()
      const counted = new RedisSessionStore({ redis: counting, keyPrefix })
      const calls: number[] = []
      // In the second round Redis has every script.
      for (let round = 0; round < 2; round++) {
        const draft = draftOfParts(10_000)
        calls.length = 0
        const step = async <T>(call: Promise<T>): Promise<T> => {
          const outcome = await call
          calls.push(counting.sent)
          counting.sent = 0
          return outcome
        }
        counting.sent = 0
        const { fence } = await step(begun(counted, draft))
        await step(counted.open(draft, { fence, multipartId: 'm', now: NOW }))
        await step(counted.recordParts(draft, change({ arrived: parts })))
        const { revision = 0 } = (await step(counted.find(draft, NOW))) ?? {}
        await step(counted.replaceParts(draft, { epoch: 1, revision, parts }))
        await step(counted.list(draft.owner, { now: NOW, limit: 100 }))
        const from = 'completing'
        const claim = await step(claimed(counted, draft, from))
        await step(
          counted.settle(draft, { ...LIFE, from, to: 'uploading', fence: claim, now: NOW }),
        )
      }
      expect(calls).toEqual([1, 1, 1, 1, 1, 1, 1, 1])
      counting.disconnect()
    })

    it('rejects what it cannot have written itself', async () => {
      const draft = await opened(store)
      await redis.hset(`${keyPrefix}{${draft.owner}}:uploads`, `d:${draft.id}`, '{"id":1}')
      await expect(store.find(draft, NOW)).rejects.toThrow()
    })

    it('leaves a connection open that it was given', async () => {
      await new RedisSessionStore({ redis, keyPrefix }).close()
      expect(await redis.ping()).toBe('PONG')
    })

    it('names its concerns in words', async () => {
      for (const concern of await redisConcerns(redis)) expect(concern).toMatch(/Redis/)
    })
  })
})
