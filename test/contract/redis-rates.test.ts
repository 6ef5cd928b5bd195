import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { limitedRates, type Rate, type RateGroup, type Rates } from '../../src/http/index.js'
import { RATE_GROUPS } from '../../src/http/rates.js'
import { createLog } from '../../src/server/logging.js'
import { type OpenedStore, openStore, redisKeyPrefix } from '../../src/server/store.js'
import { RedisGate } from '../helpers/redis-gate.js'
import { redisUrl } from '../helpers/services.js'
import { fakePartway, UPLOAD_ID } from '../http/fake-partway.js'
import { type HttpApp, post, problemOf, serveRouter } from '../http/http-app.js'
import { needsService } from './needs-service.js'

const url = redisUrl()
const LIMIT = 5
const rate: Rate = { limit: LIMIT, windowSeconds: 60 }
const each: Partial<Record<RateGroup, Rate>> = Object.fromEntries(
  RATE_GROUPS.map((group) => [group, rate]),
)

needsService('Redis', url, () => {
  const opened: OpenedStore[] = []
  const apps: HttpApp[] = []

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close()
    for (const { store } of opened.splice(0)) await store.close()
  })

  /** The rates of a server of its own, as `partway serve` has them. */
  async function ratesOf(bucket: string, address = url): Promise<Rates> {
    const log = createLog('silent', { write: () => {} })
    const store = await openStore({ kind: 'redis', url: address }, { bucket, log })
    opened.push(store)
    const { redis } = store
    if (redis === undefined) throw new Error('the store has no Redis')
    const limits = { owner: each, address: each, refused: rate }
    return limitedRates({ limits, redis, keyPrefix: redisKeyPrefix(bucket) })
  }

  async function serve(rates: Rates): Promise<string> {
    const app = await serveRouter({
      partway: fakePartway(),
      owner: (req) => req.get('X-Owner'),
      rates,
      log: () => {},
    })
    apps.push(app)
    return app.url
  }

  const headers = { 'X-Owner': 'ada' }
  const abort = (server: string) =>
    post(`${server}/upload/abort`, { upload_id: UPLOAD_ID }, headers)
  const status = (server: string) =>
    fetch(`${server}/upload/status?upload_id=${UPLOAD_ID}`, { headers })

  describe('servers of one Redis', () => {
    it('count together', async () => {
      const bucket = randomUUID()
      const servers = [await serve(await ratesOf(bucket)), await serve(await ratesOf(bucket))]
      const statuses: number[] = []
      for (let i = 0; i < LIMIT + 3; i++) statuses.push((await abort(servers[i % 2] ?? '')).status)
      expect(statuses).toEqual([...Array(LIMIT).fill(200), 429, 429, 429])
    })

    it('let no more in when all calls come at once', async () => {
      const bucket = randomUUID()
      const servers = [await serve(await ratesOf(bucket)), await serve(await ratesOf(bucket))]
      const calls = Array.from({ length: 40 }, (_, i) => abort(servers[i % 2] ?? ''))
      const statuses = (await Promise.all(calls)).map((reply) => reply.status)
      expect(statuses.filter((code) => code === 200)).toHaveLength(LIMIT)
      expect(statuses.filter((code) => code === 429)).toHaveLength(40 - LIMIT)
    })

    it('share refused credentials', async () => {
      const bucket = randomUUID()
      const servers = [await serve(await ratesOf(bucket)), await serve(await ratesOf(bucket))]
      for (let i = 0; i < LIMIT; i++) await fetch(`${servers[0]}/uploads`)
      expect((await fetch(`${servers[1]}/uploads`, { headers })).status).toBe(429)
    })

    it('of different buckets count apart', async () => {
      const [one, other] = [
        await serve(await ratesOf(randomUUID())),
        await serve(await ratesOf(randomUUID())),
      ]
      for (let i = 0; i < LIMIT; i++) await abort(one)
      expect((await abort(one)).status).toBe(429)
      expect((await abort(other)).status).toBe(200)
    })
  })

  it('keys are below the prefix of the server, have no brace of an owner, and end with the window', async () => {
    const bucket = randomUUID()
    const rates = await ratesOf(bucket)
    const owners = ['{', '{a}b', 'a:b', 'a%3Ab', 'é\u{1f600}', '*', '__proto__']
    for (const name of owners) {
      const state = await rates.count({ of: 'owner', group: 'init', name })
      expect(state?.remaining, name).toBe(LIMIT - 1)
    }
    const redis = new Redis(url)
    try {
      const keys = await redis.keys(`partway:${bucket}:*`)
      expect(keys).toHaveLength(owners.length)
      for (const key of keys) {
        expect(key).toMatch(/^partway:[^{}:]+:rate:owner:init:[^{}:]+$/)
        expect(await redis.ttl(key)).toBeGreaterThan(50)
      }
      await redis.del(keys)
    } finally {
      redis.disconnect()
    }
  })

  describe('a Redis that is away', () => {
    it('lets only status through, which each server counts, until it is back', async () => {
      const gate = new RedisGate(url)
      const rates = await ratesOf(randomUUID(), await gate.listen())
      const server = await serve(rates)
      expect((await abort(server)).status).toBe(200)
      await gate.close()
      const refused = await abort(server)
      expect(refused.headers.get('Retry-After')).toBe('2')
      expect((await problemOf(refused)).code).toBe('STORE_UNAVAILABLE')
      const statuses: number[] = []
      for (let i = 0; i <= LIMIT; i++) statuses.push((await status(server)).status)
      expect(statuses).toEqual([...Array(LIMIT).fill(200), 429])
      await gate.listen()
      await expect.poll(async () => (await abort(server)).status, { timeout: 10_000 }).toBe(200)
      // What was counted before it went away still is.
      expect((await abort(server)).headers.get('RateLimit-Remaining')).toBe(String(LIMIT - 3))
      await gate.close()
    })

    it('is found by the calls themselves when it comes after the server', async () => {
      const gate = new RedisGate(url)
      const address = await gate.listen()
      await gate.close()
      const server = await serve(await ratesOf(randomUUID(), address))
      expect((await abort(server)).status).toBe(503)
      await gate.listen()
      await expect.poll(async () => (await abort(server)).status, { timeout: 10_000 }).toBe(200)
      await gate.close()
    })

    it('that keeps silent holds a call up for a second or two, not longer', async () => {
      const gate = new RedisGate(url)
      const server = await serve(await ratesOf(randomUUID(), await gate.listen()))
      expect((await abort(server)).status).toBe(200)
      gate.silence(true)
      expect((await abort(server)).status).toBe(503)
      expect((await status(server)).status).toBe(200)
      gate.silence(false)
      await expect.poll(async () => (await abort(server)).status, { timeout: 10_000 }).toBe(200)
      await gate.close()
    })
  })
})
