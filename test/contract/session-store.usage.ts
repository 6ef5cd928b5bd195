import { describe, expect, it } from 'vitest'
import type { BeginOutcome, SessionStore, UsageLimits } from '../../src/coordinator/ports.js'
import type { UploadDraft } from '../../src/coordinator/session.js'
import { dayOf } from '../../src/coordinator/usage.js'
import {
  begun,
  change,
  claimed,
  draftOf,
  ended,
  HOUR_MS,
  LEASE_MS,
  LIFE,
  NOW,
  OBJECT,
  opened,
} from './session-store.fixtures.js'

const NOTHING = { openUploads: 0, reservedBytes: 0, storedBytes: 0 }
const ONE_OPEN = { openUploads: 1, reservedBytes: 80, storedBytes: 0 }

/** What an owner has, and how much of it a step may add. */
export function usageContract(store: () => SessionStore): void {
  const begin = (draft: UploadDraft, limits: UsageLimits = {}, now = NOW): Promise<BeginOutcome> =>
    store().begin(draft, { ...LIFE, now, leaseMs: LEASE_MS, limits })

  describe('usage', () => {
    it('of an owner whom nobody knows is nothing', async () => {
      expect(await store().usage(draftOf().owner, NOW)).toEqual({ ...NOTHING, uploadsToday: 0 })
    })

    it('counts an upload that is being opened until the lease ends, and then not at all', async () => {
      const draft = draftOf()
      await begun(store(), draft)
      const { owner } = draft
      const last = NOW + LEASE_MS - 1
      expect(await store().usage(owner, last)).toEqual({ ...ONE_OPEN, uploadsToday: 1 })
      expect(await store().usage(owner, last + 1)).toEqual({ ...NOTHING, uploadsToday: 0 })
    })

    it('gives the room back at once when a creator leaves', async () => {
      const draft = draftOf()
      const { fence } = await begun(store(), draft)
      await store().extend(draft, { state: 'creating', fence, now: NOW, leaseMs: 0 })
      expect(await store().usage(draft.owner, NOW)).toMatchObject(NOTHING)
    })

    it('counts an upload as long as it takes parts, and no longer', async () => {
      const { owner } = await opened(store())
      expect(await store().usage(owner, LIFE.expiresAt - 1)).toMatchObject(ONE_OPEN)
      expect(await store().usage(owner, LIFE.expiresAt)).toMatchObject(NOTHING)
    })

    it('counts it for as long as its reports make it live', async () => {
      const draft = await opened(store())
      const longer = { expiresAt: NOW + 3 * HOUR_MS, keepUntil: NOW + 4 * HOUR_MS }
      await store().recordParts(draft, change({ ...longer, arrived: [{ index: 1, etag: 'e' }] }))
      expect(await store().usage(draft.owner, longer.expiresAt - 1)).toMatchObject(ONE_OPEN)
      expect(await store().usage(draft.owner, longer.expiresAt)).toMatchObject(NOTHING)
    })

    it('counts no part twice', async () => {
      const draft = await opened(store())
      for (const etag of ['a', 'a', 'b']) {
        await store().recordParts(draft, change({ arrived: [{ index: 1, etag }] }))
      }
      expect(await store().usage(draft.owner, NOW)).toMatchObject(ONE_OPEN)
    })

    it.each(['failed', 'aborted'] as const)('gives back what has %s', async (to) => {
      const { owner } = await ended(store(), to)
      expect(await store().usage(owner, NOW)).toMatchObject(NOTHING)
    })

    it('makes reserved bytes stored ones, as long as the record is kept', async () => {
      const { owner } = await ended(store(), 'completed')
      const stored = { ...NOTHING, storedBytes: 80 }
      expect(await store().usage(owner, LIFE.keepUntil - 1)).toMatchObject(stored)
      expect(await store().usage(owner, LIFE.keepUntil)).toMatchObject(NOTHING)
    })

    it('counts what was completed once while it is verified again', async () => {
      const draft = await ended(store(), 'completed')
      const stored = { ...NOTHING, storedBytes: 80 }
      const fence = await claimed(store(), draft, 'verifying')
      expect(await store().usage(draft.owner, NOW)).toMatchObject(stored)
      const step = { ...LIFE, from: 'verifying', to: 'completed', fence, now: NOW } as const
      await store().settle(draft, step)
      expect(await store().usage(draft.owner, NOW)).toMatchObject(stored)
    })

    it('holds the room of a completion that nobody has finished', async () => {
      const draft = await opened(store())
      await claimed(store(), draft)
      expect(await store().usage(draft.owner, LIFE.expiresAt)).toMatchObject(ONE_OPEN)
    })

    it('does not count for the day what begins anew because its parts were lost', async () => {
      const draft = await opened(store())
      const step = { ...LIFE, now: NOW, leaseMs: LEASE_MS, supersedes: 1 }
      const outcome = await store().begin(draft, step)
      expect(await store().usage(draft.owner, NOW)).toEqual({ ...ONE_OPEN, uploadsToday: 1 })
      if (outcome.kind !== 'created') throw new Error('it did not begin anew')
      await store().open(draft, { fence: outcome.fence, multipartId: 'm', now: NOW })
      expect(await store().usage(draft.owner, NOW)).toEqual({ ...ONE_OPEN, uploadsToday: 1 })
    })

    it('counts for the day what was given up, and begins with none the next', async () => {
      const draft = await ended(store(), 'aborted')
      const midnight = (dayOf(NOW) + 1) * 24 * HOUR_MS
      expect(await store().usage(draft.owner, midnight - 1)).toMatchObject({ uploadsToday: 1 })
      expect(await store().usage(draft.owner, midnight)).toMatchObject({ uploadsToday: 0 })
    })
  })

  describe('limits', () => {
    it.each([
      [{ maxOpenUploads: 1 }, { limit: 'maxOpenUploads', max: 1, used: 1, asked: 1 }],
      [{ maxReservedBytes: 159 }, { limit: 'maxReservedBytes', max: 159, used: 80, asked: 80 }],
      [{ maxStoredBytes: 159 }, { limit: 'maxStoredBytes', max: 159, used: 80, asked: 80 }],
      [{ maxUploadsPerDay: 1 }, { limit: 'maxUploadsPerDay', max: 1, used: 1, asked: 1 }],
    ])('refuse with the numbers what is beyond %j, and change nothing', async (limits, numbers) => {
      const { owner } = await opened(store())
      const another = draftOf({ owner })
      const before = await store().usage(owner, NOW)
      expect(await begin(another, limits)).toEqual({ kind: 'over-limit', ...numbers })
      expect(await store().find(another, NOW)).toBeUndefined()
      expect(await store().usage(owner, NOW)).toEqual(before)
    })

    it('let in what is just within them', async () => {
      const { owner } = await opened(store())
      const limits = { maxOpenUploads: 2, maxReservedBytes: 160, maxStoredBytes: 160 }
      const outcome = await begin(draftOf({ owner }), { ...limits, maxUploadsPerDay: 2 })
      expect(outcome.kind).toBe('created')
    })

    it('let in of many at the same time exactly as many as there is room for', async () => {
      const { owner } = draftOf()
      const drafts = Array.from({ length: 200 }, () => draftOf({ owner }))
      const outcomes = await Promise.all(drafts.map((one) => begin(one, { maxReservedBytes: 799 })))
      expect(outcomes.filter(({ kind }) => kind === 'created')).toHaveLength(9)
      expect(outcomes.filter(({ kind }) => kind === 'over-limit')).toHaveLength(191)
      expect(await store().usage(owner, NOW)).toMatchObject({ openUploads: 9, reservedBytes: 720 })
    })

    it('count what is under way to what is stored', async () => {
      const { owner } = await ended(store(), 'completed')
      await opened(store(), { owner })
      expect(await begin(draftOf({ owner }), { maxStoredBytes: 239 })).toMatchObject({ used: 160 })
    })

    it('are those of one owner', async () => {
      await opened(store())
      expect((await begin(draftOf(), { maxOpenUploads: 1 })).kind).toBe('created')
    })

    it('never shut out whoever comes back to an upload under way', async () => {
      const draft = await opened(store())
      const none = { maxOpenUploads: 0, maxReservedBytes: 0, maxStoredBytes: 0 }
      expect((await begin(draft, { ...none, maxUploadsPerDay: 0 })).kind).toBe('exists')
    })

    it('hold for an upload past its time, which takes its room again', async () => {
      const draft = await opened(store())
      const late = LIFE.expiresAt
      const life = { expiresAt: late + HOUR_MS, keepUntil: late + 2 * HOUR_MS, now: late }
      const step = { ...life, leaseMs: LEASE_MS }
      const refused = await store().begin(draft, { ...step, limits: { maxOpenUploads: 0 } })
      expect(refused).toMatchObject({ kind: 'over-limit', used: 0, asked: 1 })
      expect(await store().usage(draft.owner, late)).toMatchObject(NOTHING)
      const again = await store().begin(draft, { ...step, limits: { maxOpenUploads: 1 } })
      expect(again.kind).toBe('exists')
      expect(await store().usage(draft.owner, late)).toMatchObject(ONE_OPEN)
    })

    it('are not in the way of what begins anew in its own room', async () => {
      const draft = await opened(store())
      const limits = { maxOpenUploads: 1, maxReservedBytes: 80, maxStoredBytes: 80 }
      const step = { ...LIFE, now: NOW, leaseMs: LEASE_MS, supersedes: 1 }
      const outcome = await store().begin(draft, { ...step, limits })
      expect(outcome).toMatchObject({ kind: 'created', epoch: 2 })
    })

    it('of what is stored are looked at again at completion', async () => {
      const { owner } = await ended(store(), 'completed')
      const draft = await opened(store(), { owner })
      const claim = { to: 'completing', now: NOW, leaseMs: LEASE_MS } as const
      const numbers = { limit: 'maxStoredBytes', max: 159, used: 80, asked: 80 }
      const refused = await store().claim(draft, { ...claim, maxStoredBytes: 159 })
      expect(refused).toEqual({ kind: 'over-limit', ...numbers })
      expect((await store().find(draft, NOW))?.upload.state).toBe('uploading')
      const granted = await store().claim(draft, { ...claim, maxStoredBytes: 160 })
      expect(granted.kind).toBe('claimed')
      // The bucket may have completed it by now, so whoever takes over is not refused.
      const takeOver = { ...claim, now: NOW + LEASE_MS, maxStoredBytes: 0 }
      expect((await store().claim(draft, takeOver)).kind).toBe('claimed')
    })
  })

  describe('the budget of URLs', () => {
    const signing = (urls: number) => ({ urls, perPart: 2, spare: 5 })

    it('is spent for each upload by itself, and whole again the next day', async () => {
      const draft = await opened(store())
      const record = (urls: number, now = NOW) =>
        store().recordParts(draft, change({ now, signing: signing(urls) }))
      expect((await record(24)).kind).toBe('recorded')
      expect(await record(2)).toEqual({ kind: 'over-budget', used: 24, max: 25 })
      expect((await record(1)).kind).toBe('recorded')
      expect(await record(1)).toEqual({ kind: 'over-budget', used: 25, max: 25 })
      const other = await opened(store(), { owner: draft.owner })
      const elsewhere = await store().recordParts(other, change({ signing: signing(25) }))
      expect(elsewhere.kind).toBe('recorded')
      const life = { expiresAt: NOW + 26 * HOUR_MS, keepUntil: NOW + 27 * HOUR_MS }
      await store().recordParts(draft, change(life))
      expect((await record(25, NOW + 24 * HOUR_MS)).kind).toBe('recorded')
    })

    it('stops a report along with it, and nothing of that is recorded', async () => {
      const draft = await opened(store())
      const arrived = [{ index: 1, etag: 'e' }]
      const step = change({ arrived, signing: signing(26) })
      expect((await store().recordParts(draft, step)).kind).toBe('over-budget')
      expect((await store().find(draft, NOW))?.parts).toEqual([])
    })

    it('is spent by URLs that come with the upload, of parts that have not arrived', async () => {
      const draft = draftOf()
      const step = { ...LIFE, now: NOW, leaseMs: LEASE_MS, signing: signing(12) }
      const first = await store().begin(draft, step)
      if (first.kind !== 'created') throw new Error('it was there already')
      await store().open(draft, { fence: first.fence, multipartId: 'm', now: NOW })
      const arrived = [1, 2, 3, 4].map((index) => ({ index, etag: 'e' }))
      await store().recordParts(draft, change({ arrived }))
      expect((await store().begin(draft, step)).kind).toBe('exists')
      const left = await store().recordParts(draft, change({ signing: signing(10) }))
      expect(left).toEqual({ kind: 'over-budget', used: 16, max: 25 })
      expect((await store().begin(draft, step)).kind).toBe('exists')
      expect(await store().begin(draft, step)).toEqual({ kind: 'over-budget', used: 22, max: 25 })
    })
  })

  it('keeps the usage right whatever is replaced or purged', async () => {
    const short = { expiresAt: NOW + 1_000, keepUntil: NOW + 2_000 }
    const { owner } = await opened(store(), {}, short)
    const draft = await opened(store(), { owner })
    const fence = await claimed(store(), draft)
    const step = { ...LIFE, from: 'completing', to: 'completed', fence, now: NOW } as const
    await store().settle(draft, { ...step, object: OBJECT })
    await begin(draftOf({ owner }), {}, NOW + 2_000)
    const usage = await store().usage(owner, NOW + 2_000)
    expect(usage).toMatchObject({ openUploads: 1, reservedBytes: 80, storedBytes: 80 })
  })
}
