import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoreConfig } from '../../src/server/config.js'
import { createLog } from '../../src/server/logging.js'
import { openStore } from '../../src/server/store.js'
import { RedisSessionStore } from '../../src/sessions/redis/index.js'
import { redisUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { complete, eventOf, KEEP_UNTIL, outboxContract, refOf, told } from './outbox.contract.js'
import { HOUR_MS, NOW, opened } from './session-store.fixtures.js'

const url = redisUrl()
const MINUTE_MS = 60_000

needsService('Redis', url, () => {
  outboxContract('Redis', async () => {
    const redis = new Redis(url)
    const keyPrefix = `test:${randomUUID()}:`
    const store = new RedisSessionStore({ redis, keyPrefix })
    return {
      store,
      another: async () => new RedisSessionStore({ redis, keyPrefix }),
      close: async () => {
        for await (const keys of redis.scanStream({ match: `${keyPrefix}*`, count: 1_000 })) {
          if (keys.length > 0) await redis.unlink(...keys)
        }
        await redis.quit()
      },
    }
  })

  describe('an outbox in Redis', () => {
    // What is found by its name must not have the prefix of the connection twice.
    const ofConnection = `test:${randomUUID()}[?]:`
    const redis = new Redis(url, { lazyConnect: true, keyPrefix: ofConnection })
    beforeAll(() => redis.connect())
    afterAll(async () => {
      const plain = new Redis(url)
      const match = `${ofConnection.slice(0, -4)}*`
      for await (const keys of plain.scanStream({ match, count: 1_000 })) {
        if (keys.length > 0) await plain.unlink(...keys)
      }
      await plain.quit()
      await redis.quit()
    })

    const opening = () => {
      const keyPrefix = `${randomUUID()}:`
      const store = new RedisSessionStore({ redis, keyPrefix })
      const dueKey = (target: string) => `${keyPrefix}outbox-due:${target}`
      return { store, outbox: store.outbox, keyPrefix, dueKey, deadKey: `${keyPrefix}outbox-dead` }
    }
    const owner = 'a{b}:c%/é'

    it('finds again what it has lost the hints of', async () => {
      const { store, outbox, dueKey, deadKey } = opening()
      const waiting = await told(store, { owner })
      const dead = await told(store, { owner })
      const { fence = 0 } = (await outbox.claim(dead, { now: NOW, leaseMs: 1 })) ?? {}
      const step = { fence, now: NOW, to: 'dead', keepUntil: KEEP_UNTIL, reason: '' } as const
      expect(await outbox.end(dead, step)).toBe(true)
      await redis.del(dueKey(waiting.target))
      await redis.del(deadKey)
      const query = { target: waiting.target, now: NOW, limit: 9 }
      expect(await outbox.due(query)).toEqual([])
      await outbox.mend(NOW)
      expect(await outbox.due(query)).toEqual([refOf(waiting)])
      const { events } = await outbox.dead({ now: NOW, limit: 9 })
      expect(events.map(refOf)).toEqual([refOf(dead)])
    })

    it('is that of the server whose store has not been reached yet', async () => {
      const withPrefix = new URL(url)
      withPrefix.searchParams.set('keyPrefix', ofConnection)
      const where: StoreConfig = { kind: 'redis', url: withPrefix.href }
      const log = createLog('silent', { write: () => {} })
      const bucket = randomUUID()
      const opened = await openStore(where, { bucket, log })
      const event = await told(opened.store, { owner })
      const query = { target: event.target, now: NOW, limit: 9 }
      expect(await opened.outbox.due(query)).toEqual([refOf(event)])
      await opened.store.close()
      const other = await openStore(where, { bucket, log })
      expect(await other.outbox.due(query)).toEqual([refOf(event)])
      await other.store.close()
    })

    it('takes no step whose events it could not give a hint of', async () => {
      const { store, dueKey } = opening()
      const draft = await opened(store, { owner })
      const event = eventOf(draft)
      await redis.set(dueKey(event.target), 'no sorted set')
      await expect(complete(store, draft, { events: [event] })).rejects.toThrow('WRONGTYPE')
      expect((await store.find(draft, NOW))?.upload.state).toBe('completing')
      expect(await store.outbox.claim(event, { now: NOW, leaseMs: 1 })).toBeUndefined()
    })

    it('keeps a hint of nothing for a minute, for its step may be on its way', async () => {
      const { store, outbox, dueKey } = opening()
      const draft = await opened(store, { owner })
      const event = eventOf(draft)
      await outbox.expect([event])
      const query = { target: event.target, limit: 9 }
      expect(await outbox.due({ ...query, now: NOW + MINUTE_MS - 1 })).toEqual([])
      expect(await redis.zcard(dueKey(event.target))).toBe(1)
      expect(await outbox.due({ ...query, now: NOW + MINUTE_MS })).toEqual([])
      expect(await redis.zcard(dueKey(event.target))).toBe(0)
    })

    it('hides nothing that is due behind a great many hints of nothing', async () => {
      const { store, outbox, dueKey } = opening()
      const event = await told(store, { owner })
      for (let other = 0; other < 250; other++) {
        const member = JSON.stringify([owner, `msg_${other}`, event.target])
        await redis.zadd(dueKey(event.target), NOW - 1, member)
      }
      const due = await outbox.due({ target: event.target, now: NOW, limit: 1 })
      expect(due).toEqual([refOf(event)])
    })

    it('lives as long as the last of its events, and an hour', async () => {
      const { store, outbox, keyPrefix } = opening()
      const key = `${keyPrefix}{${encodeURIComponent(owner)}}:outbox`
      const left = () => redis.pttl(key)
      const margin = 5 * MINUTE_MS
      const near = (ms: number) => (found: number) =>
        found > ms + HOUR_MS - margin && found < ms + HOUR_MS + margin
      await told(store, { owner })
      await told(store, { owner, keepUntil: NOW + 1_000 })
      expect(await left()).toSatisfy(near(24 * HOUR_MS))
      const dead = await told(store, { owner })
      const { fence = 0 } = (await outbox.claim(dead, { now: NOW, leaseMs: 1 })) ?? {}
      const end = { fence, now: NOW, to: 'dead', keepUntil: KEEP_UNTIL, reason: '' } as const
      await outbox.end(dead, end)
      await outbox.revive(dead, { now: NOW, keepUntil: NOW + 48 * HOUR_MS })
      expect(await left()).toSatisfy(near(48 * HOUR_MS))
    })
  })
})
