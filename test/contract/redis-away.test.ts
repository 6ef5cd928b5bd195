import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { connectRedisSessionStore, type RedisSessionStore } from '../../src/sessions/redis/index.js'
import { RedisGate } from '../helpers/redis-gate.js'
import { redisUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { draftOf, LEASE_MS, LIFE, NOW, opened } from './session-store.fixtures.js'

const url = redisUrl()

needsService('Redis', url, () => {
  describe('a Redis that goes away', () => {
    let store: RedisSessionStore | undefined
    let gate = new RedisGate(url)

    async function connected(): Promise<RedisSessionStore> {
      gate = new RedisGate(url)
      const address = await gate.listen()
      const keyPrefix = `test:${randomUUID()}:`
      ;({ store } = await connectRedisSessionStore(address, { keyPrefix }))
      return store
    }

    /** Calls until it works again; the test's time limit is the end of patience. */
    async function back<T>(call: () => Promise<T>): Promise<T> {
      for (;;) {
        try {
          return await call()
        } catch {
          await new Promise((done) => setTimeout(done, 50))
        }
      }
    }

    afterEach(async () => {
      await store?.close()
      await gate.close()
    })

    it('makes calls reject, and serves again when it is back', async () => {
      const sessions = await connected()
      const draft = await opened(sessions)
      await gate.close()
      await expect(sessions.find(draft, NOW)).rejects.toThrow()
      await expect(sessions.check()).rejects.toThrow()
      await gate.listen()
      await back(() => sessions.check())
      expect(await sessions.find(draft, NOW)).toBeDefined()
    })

    it('makes calls reject when it says nothing, and serves again when it speaks', async () => {
      const sessions = await connected()
      const draft = await opened(sessions)
      gate.silence(true)
      await expect(sessions.find(draft, NOW)).rejects.toThrow(/timed out/i)
      gate.silence(false)
      expect((await back(() => sessions.find(draft, NOW)))?.upload.id).toBe(draft.id)
    })

    it('sends no step twice whose connection broke before the reply', async () => {
      const sessions = await connected()
      const draft = await opened(sessions)
      gate.silence(true)
      const step = { to: 'completing', now: NOW, leaseMs: LEASE_MS } as const
      const lost = sessions.claim(draft, step)
      const outcome = expect(lost).rejects.toThrow()
      await new Promise((done) => setTimeout(done, 100))
      gate.cut()
      await outcome
      const fences = await back(async () => {
        const late = { ...step, now: NOW + LEASE_MS }
        const again = await sessions.claim(draft, late)
        return again.kind === 'claimed' ? again.fence : 0
      })
      // Creation, the claim whose reply was lost, and this one.
      expect(fences).toBe(NOW + 3)
    })

    it('is told at once when it was never there', async () => {
      const away = new RedisGate(url)
      const address = await away.listen()
      await away.close()
      const faults: Error[] = []
      const log = (fault: Error) => faults.push(fault)
      const connecting = connectRedisSessionStore(address, { log })
      await expect(connecting).rejects.toThrow('Redis does not answer')
      expect(faults.map(({ message }) => message)).toEqual([expect.stringMatching('ECONNREFUSED')])
    })

    it('can be left behind by a store that closes', async () => {
      const sessions = await connected()
      await sessions.begin(draftOf(), { ...LIFE, now: NOW, leaseMs: 1 })
      await gate.close()
      await expect(sessions.close()).resolves.toBeUndefined()
    })
  })
})
