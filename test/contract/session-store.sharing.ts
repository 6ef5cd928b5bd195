import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import type { SessionStore, UsageLimits } from '../../src/coordinator/ports.js'
import type { UploadDraft } from '../../src/coordinator/session.js'
import {
  change,
  claimed,
  draftOf,
  LEASE_MS,
  LIFE,
  NOW,
  OBJECT,
  type OpenedStore,
  opened,
  tag,
} from './session-store.fixtures.js'

interface Taken {
  readonly what: number
  readonly limits: UsageLimits
}

/** One step of a client or a worker, from beginning to end or only the first half, as if it had crashed then. */
async function take(store: SessionStore, draft: UploadDraft, { what, limits }: Taken) {
  const step = { ...LIFE, now: NOW }
  if (what < 2) {
    const begun = await store.begin(draft, { ...step, leaseMs: LEASE_MS, limits })
    if (begun.kind !== 'created' || what === 0) return
    await store.open(draft, { fence: begun.fence, multipartId: 'm', now: NOW })
    return
  }
  if (what === 2) {
    await store.recordParts(draft, change({ arrived: [{ index: 1, etag: tag(1) }] }))
    return
  }
  const [to, end] = (
    [
      ['completing', 'completed'],
      ['completing', 'failed'],
      ['aborting', 'aborted'],
    ] as const
  )[what - 3] ?? ['aborting', 'aborted']
  const claim = await store.claim(draft, { to, now: NOW, leaseMs: LEASE_MS })
  if (claim.kind !== 'claimed') return
  const object = end === 'completed' ? { object: OBJECT } : {}
  await store.settle(draft, { ...step, from: to, to: end, fence: claim.fence, ...object })
}

export function sharingContract(given: () => OpenedStore): void {
  const others: SessionStore[] = []
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close()
  })
  async function another(): Promise<SessionStore> {
    const other = await given().another()
    others.push(other)
    return other
  }

  it('sees at once what another instance wrote', async () => {
    const [first, second] = [given().store, await another()]
    const draft = await opened(first)
    expect(await second.find(draft, NOW)).toEqual(await first.find(draft, NOW))
    await second.recordParts(draft, change({ arrived: [{ index: 1, etag: tag(1) }] }))
    expect((await first.find(draft, NOW))?.parts).toEqual([{ index: 1, etag: tag(1) }])
    const fence = await claimed(second, draft)
    expect(await first.claim(draft, { to: 'aborting', now: NOW, leaseMs: 1 })).toMatchObject({
      kind: 'busy',
    })
    const step = { ...LIFE, from: 'completing', to: 'completed', object: OBJECT } as const
    expect(await first.settle(draft, { ...step, fence, now: NOW })).toBe(true)
    expect((await second.find(draft, NOW))?.upload.object).toEqual(OBJECT)
  })

  it('lets one of many callers on many instances begin, and one claim', async () => {
    const stores = [given().store, await another(), await another()]
    const calls = Array.from({ length: 30 }, (_, i) => stores[i % 3] ?? given().store)
    const draft = draftOf()
    const begins = await Promise.all(
      calls.map((store) => store.begin(draft, { ...LIFE, now: NOW, leaseMs: LEASE_MS })),
    )
    const created = begins.filter((outcome) => outcome.kind === 'created')
    expect(created).toHaveLength(1)
    await given().store.open(draft, { fence: created[0]?.fence ?? 0, multipartId: 'm', now: NOW })
    const step = { to: 'completing', now: NOW, leaseMs: LEASE_MS } as const
    const claims = await Promise.all(calls.map((store) => store.claim(draft, step)))
    expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1)
    expect(claims.filter(({ kind }) => kind === 'busy')).toHaveLength(29)
  })

  it('sees what is due, and what is not any more, by whomever it was claimed', async () => {
    const [first, second] = [given().store, await another()]
    const draft = await opened(first)
    const isDue = async (store: SessionStore, now: number) => {
      const due = await store.due({ now, limit: 1_000 })
      return due.some(({ id }) => id === draft.id)
    }
    const fence = await claimed(second, draft)
    expect(await isDue(first, NOW + LEASE_MS)).toBe(true)
    const extend = { state: 'completing', fence, now: NOW, leaseMs: 2 * LEASE_MS } as const
    expect(await first.extend(draft, extend)).toBe(true)
    expect(await isDue(second, NOW + LEASE_MS)).toBe(false)
    expect(await isDue(second, NOW + 2 * LEASE_MS)).toBe(true)
    const step = { ...LIFE, from: 'completing', to: 'uploading', fence, now: NOW } as const
    expect(await first.settle(draft, step)).toBe(true)
    expect(await isDue(second, NOW + 2 * LEASE_MS)).toBe(false)
  })

  it('gives an owner what its live uploads add up to, whatever many instances do at once', async () => {
    const stores = [given().store, await another(), await another()]
    const programs = fc.array(fc.array(fc.tuple(fc.nat(3), fc.nat(5)), { maxLength: 12 }), {
      minLength: 2,
      maxLength: 6,
    })
    const limits = { maxOpenUploads: 3, maxReservedBytes: 2 * 80 + 10 }
    await fc.assert(
      fc.asyncProperty(programs, async (all) => {
        const owner = randomUUID()
        const drafts = [80, 80, 10, 10].map((size) => draftOf({ owner, size }))
        const run = async (program: readonly (readonly [number, number])[], actor: number) => {
          const store = stores[actor % 3] ?? given().store
          for (const [which, what] of program) {
            const draft = drafts[which] ?? draftOf({ owner })
            await take(store, draft, { what, limits })
            const { openUploads, reservedBytes } = await store.usage(owner, NOW)
            expect(openUploads).toBeLessThanOrEqual(limits.maxOpenUploads)
            expect(reservedBytes).toBeLessThanOrEqual(limits.maxReservedBytes)
          }
        }
        await Promise.all(all.map(run))
        const sums = { openUploads: 0, reservedBytes: 0, storedBytes: 0 }
        for (const draft of drafts) {
          const { state = 'aborted' } = (await given().store.find(draft, NOW))?.upload ?? {}
          if (state === 'completed') sums.storedBytes += draft.size
          if (['completed', 'aborted', 'failed'].includes(state)) continue
          sums.openUploads++
          sums.reservedBytes += draft.size
        }
        for (const store of stores) expect(await store.usage(owner, NOW)).toMatchObject(sums)
      }),
      { numRuns: 60, interruptAfterTimeLimit: 20_000 },
    )
  }, 30_000)

  it('keeps everything when the instance that wrote it is closed', async () => {
    const writer = await given().another()
    const draft = await opened(writer)
    const session = await writer.find(draft, NOW)
    await writer.close()
    const reader = await another()
    expect(await reader.find(draft, NOW)).toEqual(session)
  })
}
