import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { connectRedisSessionStore, type RedisSessionStore } from '../../src/sessions/redis/index.js'
import { redisUrl } from '../helpers/services.js'
import { needsService } from './needs-service.js'
import { draftOf, LEASE_MS, LIFE, NOW, opened } from './session-store.fixtures.js'

/** Stands before the real Redis and can be away, cut its connections, or be silent. */
class Gate {
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  readonly #replies = new Set<Socket>()
  #server: Server | undefined
  #port = 0

  constructor(target: string) {
    this.#target = new URL(target)
  }

  async listen(): Promise<string> {
    this.#server = createServer((client) => this.#relay(client))
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    this.#port = isAddress(address) ? address.port : 0
    const url = new URL(this.#target)
    url.host = `127.0.0.1:${this.#port}`
    return url.href
  }

  /** Keeps back what Redis replies, until told to speak again. */
  silence(isSilent: boolean): void {
    for (const redis of this.#replies) {
      if (isSilent) redis.pause()
      else redis.resume()
    }
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server?.close(done) ?? done(undefined))
    this.cut()
    await closed
  }

  #relay(client: Socket): void {
    const redis = connect(Number(this.#target.port || 6379), this.#target.hostname)
    client.on('data', (chunk) => redis.write(chunk))
    redis.on('data', (chunk) => client.write(chunk))
    this.#replies.add(redis)
    redis.on('close', () => this.#replies.delete(redis))
    for (const [socket, other] of [[client, redis] as const, [redis, client] as const]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}

const url = redisUrl()

needsService('Redis', url, () => {
  describe('a Redis that goes away', () => {
    let store: RedisSessionStore | undefined
    let gate = new Gate(url)

    async function connected(): Promise<RedisSessionStore> {
      gate = new Gate(url)
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
      const away = new Gate(url)
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
