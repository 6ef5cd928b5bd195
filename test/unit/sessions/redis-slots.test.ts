import { createRequire } from 'node:module'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { dueKey, idleKey, uploadKeys } from '../../../src/sessions/redis/keys.js'
import { RedisSessionStore } from '../../../src/sessions/redis/redis-session-store.js'
import { draftOf, LIFE, NOW } from '../../contract/session-store.fixtures.js'

/** What ioredis itself finds the node of a key with; it comes without types. */
const slotOf: (key: string) => number = createRequire(import.meta.url)('cluster-key-slot')

/** Remembers the keys of every script call, and answers as if nothing were there. */
function recordingRedis() {
  const calls: string[][] = []
  const redis: Record<string, unknown> = {
    zadd: async () => 1,
    defineCommand(name: string, { numberOfKeys }: { readonly numberOfKeys: number }) {
      redis[`${name}Buffer`] = async (...args: string[]) => {
        calls.push(args.slice(0, numberOfKeys))
        return name.includes(':list:') ? [Buffer.alloc(0)] : [Buffer.from('not-found')]
      }
    },
  }
  return { calls, redis: redis as unknown as Redis }
}

const owners = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('{', '}', '%', 'a', ':'), maxLength: 6 }),
)

describe('the keys of Redis', () => {
  it('are all in one slot in each step, whoever the owner is', async () => {
    await fc.assert(
      fc.asyncProperty(owners, fc.string(), async (owner, id) => {
        const { calls, redis } = recordingRedis()
        const store = new RedisSessionStore({ redis })
        const draft = draftOf({ owner, id })
        // Its answer makes no sense to begin; here only the call counts.
        await store.begin(draft, { ...LIFE, now: NOW, leaseMs: 1 }).catch(() => {})
        await store.open(draft, { fence: 1, multipartId: 'm', now: NOW })
        await store.find(draft, NOW)
        await store.recordParts(draft, { ...LIFE, now: NOW, signed: [], arrived: [] })
        await store.replaceParts(draft, { epoch: 1, revision: 0, parts: [] })
        await store.claim(draft, { to: 'completing', now: NOW, leaseMs: 1 })
        await store.extend(draft, { state: 'completing', fence: 1, now: NOW, leaseMs: 1 })
        const settle = { from: 'completing', to: 'uploading', fence: 1, now: NOW } as const
        await store.settle(draft, { ...LIFE, ...settle })
        await store.list(owner, { now: NOW, limit: 1 })
        // Nor does this answer.
        await store.usage(owner, NOW).catch(() => {})
        // The hints of all owners have keys of their own, which no step about an upload has beside others.
        const ofHints = [dueKey('partway:'), idleKey('partway:')]
        const hints = calls.filter(([key = '']) => ofHints.includes(key))
        const steps = calls.filter((keys) => !hints.includes(keys))
        expect(hints.map((keys) => keys.length)).toEqual([1, 1, 1])
        expect(steps.map((keys) => keys.length)).toEqual([7, 2, 3, 6, 3, 4, 2, 7, 2, 2])
        expect(new Set(steps.flat().map(slotOf)).size).toBe(1)
      }),
    )
  })

  it('are never the same for two owners or two uploads', () => {
    const uploads = fc.record({ owner: owners, id: fc.string({ maxLength: 5 }) })
    fc.assert(
      fc.property(uploads, uploads, (one, other) => {
        fc.pre(one.owner !== other.owner || one.id !== other.id)
        const keys = uploadKeys('p:', one)
        const others = uploadKeys('p:', other)
        expect(keys.parts).not.toBe(others.parts)
        expect(keys.etags).not.toBe(others.etags)
        expect(keys.uploads === others.uploads).toBe(one.owner === other.owner)
      }),
    )
  })

  it('are refused for owners that are not well-formed text, since those could be mistaken', () => {
    expect(() => uploadKeys('p:', { owner: '\ud800', id: 'x' })).toThrow(URIError)
  })

  it('begin with no prefix that would take the place of the hash tag', () => {
    const { redis } = recordingRedis()
    for (const keyPrefix of ['a{b}', '{', '}']) {
      expect(() => new RedisSessionStore({ redis, keyPrefix })).toThrow(RangeError)
    }
  })
})
