import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OutboxEvent } from '../../src/coordinator/ports.js'
import type { UploadDraft } from '../../src/coordinator/session.js'
import { limitedRates } from '../../src/http/index.js'
import { RATE_GROUPS } from '../../src/http/rates.js'
import {
  connectRedisSessionStore,
  RedisSessionStore,
  redisConcerns,
  redisFacts,
} from '../../src/sessions/redis/index.js'
import { RedisCluster } from '../helpers/redis-cluster.js'
import { redisProgram } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { outboxContract, refOf, told } from './outbox.contract.js'
import { sessionStoreContract } from './session-store.contract.js'
import { change, claimed, draftOf, NOW, opened, tag } from './session-store.fixtures.js'

needsService('redis-server', redisProgram()?.path ?? '', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterAll(() => cluster?.stop())

  const open = async () => {
    const keyPrefix = `test:${randomUUID()}:`
    const { store } = await connectRedisSessionStore(cluster.url, { keyPrefix })
    return {
      store,
      another: async () => (await connectRedisSessionStore(cluster.url, { keyPrefix })).store,
      close: () => store.close(),
    }
  }
  sessionStoreContract('Redis Cluster', open)
  outboxContract('Redis Cluster', open)

  describe('a Redis Cluster', () => {
    const closing: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const close of closing.splice(0)) await close()
    })

    async function connected() {
      const faults: Error[] = []
      const keyPrefix = `test:${randomUUID()}:`
      const log = (fault: Error) => faults.push(fault)
      const { store, redis } = await connectRedisSessionStore(cluster.url, { keyPrefix, log })
      closing.push(() => store.close())
      return { store, redis, keyPrefix, faults }
    }

    it('is asked about on all its primaries', async () => {
      const { redis } = await connected()
      expect(await redisFacts(redis)).toContain('It is a Cluster of 3 primaries.')
      const concerns = await redisConcerns(redis)
      expect(concerns).toHaveLength(2)
      expect(concerns).toContainEqual(expect.stringMatching(/nothing over a restart/))
      expect(concerns).toContainEqual(expect.stringMatching(/min-replicas-to-write 1/))
    })

    it('counts calls for all servers together', async () => {
      const [one, other] = [await connected(), await connected()]
      const owner = Object.fromEntries(
        RATE_GROUPS.map((group) => [group, { limit: 20, windowSeconds: 60 }]),
      )
      const keyPrefix = one.keyPrefix
      const rates = [one, other].map(({ redis }) =>
        limitedRates({ limits: { owner }, keyPrefix, redis: async () => redis }),
      )
      for (const name of ['ada', 'bob', 'eve', '{x}']) {
        const counted = { of: 'owner', group: 'init', name } as const
        const states = await Promise.all(
          Array.from({ length: 30 }, (_, call) => rates[call % 2]?.count(counted)),
        )
        expect(states.filter((state) => state?.isExceeded)).toHaveLength(10)
        expect(await rates[0]?.look(counted)).toMatchObject({ remaining: 0 })
      }
    })

    it('is searched on all its primaries for events whose hints were lost', async () => {
      const nodes = cluster.shards.map(({ primary }) => ({ host: '127.0.0.1', port: primary.port }))
      // What is found by its name must not have the prefix of the connection twice.
      const redis = new Cluster(nodes, { keyPrefix: `test:${randomUUID()}:` })
      closing.push(async () => {
        await redis.quit()
      })
      const store = new RedisSessionStore({ redis, keyPrefix: 'of:' })
      const { outbox } = store
      const target = 'app'
      const events: OutboxEvent[] = []
      for (let i = 0; i < 20; i++) events.push(await told(store, { target }))
      await redis.del(`of:outbox-due:${target}`)
      const query = { target, now: NOW, limit: 99 }
      expect(await outbox.due(query)).toEqual([])
      await outbox.mend(NOW)
      const found = await outbox.due(query)
      expect(found).toHaveLength(events.length)
      expect(found).toEqual(expect.arrayContaining(events.map(refOf)))
    })

    it('loses no step while its slots move to other nodes', async () => {
      const { store } = await connected()
      const owners = Array.from({ length: 20 }, () => randomUUID())
      let moved = 0
      const isMoving = () => moved < 5 * owners.length
      const moving = async () => {
        while (isMoving()) moved += await cluster.reshard()
      }
      /** Refused, or not known what became of it: asked again, as a client would. */
      let again = 0
      const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
        for (;;) {
          try {
            return await call()
          } catch (error) {
            if (again++ > 500) throw error
          }
          await sleep(20)
        }
      }
      const uploads: UploadDraft[] = []
      const client = async () => {
        while (isMoving()) {
          const owner = owners[uploads.length % owners.length] ?? ''
          const draft = await patiently(() => opened(store, { owner }))
          const arrived = [{ index: 1, etag: tag(1) }]
          await patiently(() => store.recordParts(draft, change({ arrived })))
          uploads.push(draft)
          await sleep(10)
        }
      }
      await Promise.all([moving(), ...Array.from({ length: 8 }, client)])
      expect(uploads.length).toBeGreaterThan(8)
      for (const draft of uploads) {
        const session = await store.find(draft, NOW)
        expect(session?.upload.state, `after ${again} refusals`).toBe('uploading')
        expect(session?.parts).toEqual([{ index: 1, etag: tag(1) }])
      }
    })

    it('serves again when a replica has taken the place of a primary that died', async () => {
      const { store } = await connected()
      const drafts: UploadDraft[] = []
      for (let i = 0; i < 12; i++) drafts.push(await opened(store))
      await cluster.shards[0]?.primary.isFollowed(1)
      await cluster.shards[0]?.primary.kill()
      for (const draft of drafts) {
        const found = () => store.find(draft, NOW).catch(() => undefined)
        await expect.poll(found, { timeout: 30_000, interval: 100 }).toBeDefined()
      }
      await store.check()
      await claimed(store, drafts[0] ?? draftOf())
    })
  })
})
