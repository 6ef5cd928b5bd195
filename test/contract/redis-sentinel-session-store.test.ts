import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectRedisSessionStore, type RedisSessionStore } from '../../src/sessions/redis/index.js'
import { RedisGate } from '../helpers/redis-gate.js'
import { RedisSentinels } from '../helpers/redis-sentinels.js'
import { redisProgram } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { change, claimed, LIFE, NOW, opened, tag } from './session-store.fixtures.js'

const KEY_PREFIX = `test:${randomUUID()}:`
const SLOW = { timeout: 30_000, interval: 100 }

const stateOf = (store: RedisSessionStore): Promise<'there' | 'away'> =>
  store.check().then(
    () => 'there',
    () => 'away',
  )

needsService('redis-server', redisProgram()?.path ?? '', () => {
  describe('a primary that Sentinels name', () => {
    let redis: RedisSentinels
    const closing: (() => Promise<void>)[] = []
    beforeAll(async () => {
      redis = await RedisSentinels.start()
    })
    afterEach(async () => {
      for (const close of closing.splice(0)) await close()
    })
    afterAll(() => redis?.stop())

    async function connected(url = redis.url): Promise<RedisSessionStore> {
      const { store } = await connectRedisSessionStore(url, { keyPrefix: KEY_PREFIX })
      closing.push(() => store.close())
      return store
    }

    it('is the one that is used, by its password and the database that is named', async () => {
      const store = await connected(`${redis.url}&db=3`)
      const draft = await opened(store)
      const primary = await redis.primary()
      await primary.call('SELECT', 3)
      const keys = await primary.call('KEYS', `${KEY_PREFIX}{${draft.owner}}*`)
      await primary.call('SELECT', 0)
      expect(keys).not.toEqual([])
    })

    it.each([
      ['another name', '/sessions?', '/others?'],
      ['another password of the Sentinels', 'sentinelPassword=', 'sentinelPassword=x'],
      ['another password of Redis', '://:', '://:x'],
    ])('is not found by %s, which is told at once', async (_, right, wrong) => {
      const url = redis.url.replace(right, wrong)
      await expect(connectRedisSessionStore(url)).rejects.toThrow('Redis does not answer')
    })

    it('is found again after all Sentinels were away', async () => {
      const gate = new RedisGate(`redis://${redis.sentinels[0]?.address}`)
      const address = new URL(await gate.listen()).host
      closing.push(() => gate.close())
      // The other Sentinels are not to be learnt of.
      const store = await connected(redis.url.replace(/@[^/]+/, `@${address}`))
      const draft = await opened(store)
      await gate.close()
      await (await redis.primary()).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await expect(store.find(draft, NOW)).rejects.toThrow()
      await gate.listen()
      await expect.poll(() => store.find(draft, NOW).catch(() => undefined), SLOW).toBeDefined()
    })

    it('may be replaced: steps are refused in between, and go on where the replica had got to', async () => {
      const store = await connected()
      const kept = await opened(store)
      await store.recordParts(kept, change({ arrived: [{ index: 1, etag: tag(1) }] }))
      await (await redis.primary()).isFollowed(2)
      await redis.cutReplication()
      const lost = await opened(store)
      const lostFence = await claimed(store, kept)
      const failingOver = redis.failOver()
      await expect.poll(() => stateOf(store), SLOW).toBe('away')
      await failingOver
      await expect.poll(() => stateOf(store), SLOW).toBe('there')
      // What no replica had is not there: nor is the claim.
      expect(await store.find(lost, NOW)).toBeUndefined()
      const session = await store.find(kept, NOW)
      expect(session?.upload.state).toBe('uploading')
      expect(session?.parts).toEqual([{ index: 1, etag: tag(1) }])
      // The new primary has none of the scripts yet. Whoever still holds the lost claim cannot use it on the next one.
      const fence = await claimed(store, kept, 'completing', NOW + 1_000)
      const step = { ...LIFE, from: 'completing', to: 'uploading', now: NOW + 1_000 } as const
      expect(await store.settle(kept, { ...step, fence: lostFence })).toBe(false)
      expect(await store.settle(kept, { ...step, fence })).toBe(true)
      await opened(store)
    })

    it('is left at once for the one that the Sentinels announce, though its connection still stands', async () => {
      const { store, redis: connection } = await connectRedisSessionStore(redis.url)
      closing.push(() => store.close())
      const left = new Promise<void>((resolve) => connection.once('close', () => resolve()))
      const old = await redis.primary()
      old.freeze()
      await left
      await expect.poll(() => stateOf(store), SLOW).toBe('there')
      expect(await redis.primary()).not.toBe(old)
    })
  })
})
