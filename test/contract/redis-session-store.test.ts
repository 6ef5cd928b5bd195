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
  draftOf,
  draftOfParts,
  ended,
  LEASE_MS,
  LIFE,
  NOW,
  opened,
  sum,
  tag,
} from './session-store.fixtures.js'

const url = redisUrl()

const COMPLETE = { to: 'completing', now: NOW, leaseMs: LEASE_MS } as const

class CountingRedis extends Redis {
  sent = 0
  /** How often something was sent while no answer was outstanding. */
  roundTrips = 0
  #outstanding = 0

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    this.sent++
    if (this.#outstanding++ === 0) this.roundTrips++
    const answer = super.sendCommand(...args)
    const arrived = () => this.#outstanding--
    Promise.resolve(answer).then(arrived, arrived)
    return answer
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
        charges: LIFE.keepUntil + margin,
        'parts:short': short.keepUntil + margin,
        'etags:short': short.keepUntil + margin,
      })
    })

    it('waits once for Redis in each step, whatever the number of parts', async () => {
      const counting = new CountingRedis(url, { lazyConnect: true })
      await counting.connect()
      const counted = new RedisSessionStore({ redis: counting, keyPrefix })
      const counts: [step: string, sent: number, roundTrips: number][] = []
      // In the second round Redis has every script.
      for (let round = 0; round < 2; round++) {
        const draft = draftOfParts(10_000)
        counts.length = 0
        const step = async <T>(name: string, call: Promise<T>): Promise<T> => {
          const outcome = await call
          counts.push([name, counting.sent, counting.roundTrips])
          await counting.ping()
          counting.sent = 0
          counting.roundTrips = 0
          return outcome
        }
        counting.sent = 0
        counting.roundTrips = 0
        const { fence } = await step('begin', begun(counted, draft))
        await step('open', counted.open(draft, { fence, multipartId: 'm', now: NOW }))
        await step('record', counted.recordParts(draft, change({ arrived: parts })))
        const { revision = 0 } = (await step('find', counted.find(draft, NOW))) ?? {}
        await step('replace', counted.replaceParts(draft, { epoch: 1, revision, parts }))
        await step('list', counted.list(draft.owner, { now: NOW, limit: 100 }))
        const claim = { ...LIFE, fence: await step('claim', claimed(counted, draft)), now: NOW }
        const state = 'completing'
        await step('extend', counted.extend(draft, { ...claim, state, leaseMs: 1 }))
        await step('leave', counted.settle(draft, { ...claim, from: state, to: 'verifying' }))
        const from = 'verifying'
        claim.fence = await step('claim', claimed(counted, draft, from))
        const contents = ['a', 'b', 'c']
        await step('settle', counted.settle(draft, { ...claim, from, to: 'completed', contents }))
      }
      expect(counts).toEqual([
        ['begin', 2, 1],
        ['open', 1, 1],
        ['record', 1, 1],
        ['find', 1, 1],
        ['replace', 1, 1],
        ['list', 1, 1],
        ['claim', 2, 1],
        // The hint moves when the outcome is there already.
        ['extend', 2, 2],
        ['leave', 2, 1],
        ['claim', 2, 1],
        // The hints are put right when the outcome is there already.
        ['settle', 3, 2],
      ])
      counting.disconnect()
    })

    describe('and the hints of what is due', () => {
      const hinted = () => {
        const own = `${keyPrefix}${randomUUID()}:`
        return { own, key: `${own}due`, sessions: new RedisSessionStore({ redis, keyPrefix: own }) }
      }
      const LATER = NOW + LEASE_MS
      const MINUTE_MS = 60_000

      it('are gone once the upload has left its claimed state', async () => {
        const { key, sessions } = hinted()
        for (const state of ['completed', 'failed', 'aborted'] as const) {
          await ended(sessions, state)
          expect(await redis.zcard(key)).toBe(0)
        }
        await sessions.claim(await ended(sessions, 'completed'), COMPLETE)
        await sessions.claim(draftOf(), COMPLETE)
        expect(await redis.zcard(key)).toBe(0)
      })

      it('may be lost or false without harm to the step that they are written with', async () => {
        const { key, sessions } = hinted()
        const draft = await opened(sessions)
        const fence = await claimed(sessions, draft)
        await redis.set(key, 'no sorted set')
        const step = { ...LIFE, from: 'completing', to: 'uploading', fence, now: NOW } as const
        expect(await sessions.settle(draft, step)).toBe(true)
        await expect(sessions.claim(draft, COMPLETE)).rejects.toThrow('WRONGTYPE')
      })

      it('stay for a minute though there is nothing to do, for the claim may be on its way', async () => {
        const { key, sessions } = hinted()
        const draft = await opened(sessions)
        await redis.zadd(key, LATER, JSON.stringify([draft.owner, draft.id]))
        expect(await sessions.due({ now: LATER + MINUTE_MS - 1, limit: 9 })).toEqual([])
        expect(await redis.zcard(key)).toBe(1)
        await claimed(sessions, draft)
        expect(await sessions.due({ now: LATER, limit: 9 })).toHaveLength(1)
      })

      it('go after a minute where there is nothing to do', async () => {
        const { key, sessions } = hinted()
        const { owner, id } = await ended(sessions, 'completed')
        for (let other = 0; other < 250; other++) {
          await redis.zadd(key, LATER, JSON.stringify([owner, `${id}${other}`]))
        }
        expect(await sessions.due({ now: LATER + MINUTE_MS, limit: 9 })).toEqual([])
        expect(await redis.zcard(key)).toBe(0)
      })

      it('hide nothing that is due behind a great many to which nothing is to be done', async () => {
        const { key, sessions } = hinted()
        const draft = await opened(sessions)
        await claimed(sessions, draft)
        const idle = await ended(sessions, 'completed')
        for (let other = 0; other < 250; other++) {
          await redis.zadd(key, LATER - 1, JSON.stringify([idle.owner, `${idle.id}${other}`]))
        }
        const due = await sessions.due({ now: LATER, limit: 1 })
        expect(due).toEqual([{ owner: draft.owner, id: draft.id }])
      })

      it('move to the end of the lease that the record has', async () => {
        const { key, sessions } = hinted()
        const draft = await opened(sessions)
        await claimed(sessions, draft)
        const member = JSON.stringify([draft.owner, draft.id])
        await redis.zadd(key, NOW, member)
        expect(await sessions.due({ now: NOW, limit: 9 })).toEqual([])
        expect(await redis.zscore(key, member)).toBe(String(LATER))
      })

      it('are not removed for a claim that came between', async () => {
        const { key, sessions } = hinted()
        const draft = await opened(sessions)
        const member = JSON.stringify([draft.owner, draft.id])
        let seen: number | undefined
        for (const now of [NOW, NOW, LATER]) {
          // Whoever saw the score before finds another one, so that it moves and removes nothing.
          await sessions.claim(draft, { ...COMPLETE, now })
          const score = Number(await redis.zscore(key, member))
          expect(score).not.toBe(seen)
          expect(score).toBeLessThanOrEqual(LATER)
          seen = score
        }
      })
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
