import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SessionStore, UploadRef } from '../../src/coordinator/ports.js'
import {
  begun,
  claimed,
  draftOf,
  ended,
  LEASE_MS,
  LIFE,
  NOW,
  OBJECT,
  type OpenedAlone,
  opened,
} from './session-store.fixtures.js'

const LATER = NOW + LEASE_MS

/** What is due is so for all owners, so that each test has data of its own. */
export function dueContract(open: () => Promise<OpenedAlone>): void {
  describe('due', () => {
    let alone: OpenedAlone
    beforeEach(async () => {
      alone = await open()
    })
    afterEach(() => alone.close())
    const store = (): SessionStore => alone.store

    async function due(now: number, limit = 100): Promise<string[]> {
      return (await store().due({ now, limit })).map(({ id }) => id)
    }

    it('gives what is claimed, of whatever kind and owner, when the lease has ended', async () => {
      const completing = await opened(store())
      await claimed(store(), completing)
      const aborting = await opened(store(), { owner: 'a{}b "\\ 日本' })
      await claimed(store(), aborting, 'aborting')
      const verifying = await ended(store(), 'completed', { owner: '' })
      await claimed(store(), verifying, 'verifying')
      expect(await due(LATER - 1)).toEqual([])
      const found = await store().due({ now: LATER, limit: 100 })
      const byId = (a: UploadRef, b: UploadRef) => (a.id < b.id ? -1 : 1)
      expect(found.toSorted(byId)).toEqual(
        [completing, aborting, verifying].map(({ owner, id }) => ({ owner, id })).sort(byId),
      )
    })

    it('gives it as long as nobody has claimed it, and no longer', async () => {
      const draft = await opened(store())
      await claimed(store(), draft)
      expect(await due(LATER)).toEqual([draft.id])
      expect(await due(LATER + 1)).toEqual([draft.id])
      await claimed(store(), draft, 'completing', LATER + 1)
      expect(await due(LATER + 1)).toEqual([])
      expect(await due(LATER + LEASE_MS)).toEqual([])
      expect(await due(LATER + 1 + LEASE_MS)).toEqual([draft.id])
    })

    it('gives at once what was left to be verified', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft)
      const step = { ...LIFE, from: 'completing', to: 'verifying', object: OBJECT } as const
      await store().settle(draft, { ...step, fence, now: NOW })
      expect(await due(NOW)).toEqual([draft.id])
    })

    it('gives at once what was claimed for whoever comes next', async () => {
      const draft = await ended(store(), 'completed')
      await store().claim(draft, { to: 'verifying', now: NOW, leaseMs: 0 })
      expect(await due(NOW)).toEqual([draft.id])
    })

    it('gives it at the end of the lease that it was extended to', async () => {
      const longer = await opened(store())
      const sooner = await opened(store())
      const fences = [await claimed(store(), longer), await claimed(store(), sooner)]
      const extend = { state: 'completing', now: NOW + 1 } as const
      const [first = 0, second = 0] = fences
      await store().extend(longer, { ...extend, fence: first, leaseMs: 3 * LEASE_MS })
      await store().extend(sooner, { ...extend, fence: second, leaseMs: 5 })
      expect(await due(NOW + 5)).toEqual([])
      expect(await due(NOW + 6)).toEqual([sooner.id])
      expect(await due(NOW + 3 * LEASE_MS)).toEqual([sooner.id])
      expect(await due(NOW + 1 + 3 * LEASE_MS)).toEqual([sooner.id, longer.id])
    })

    it('is not put off by claims that are refused', async () => {
      const draft = await opened(store())
      await claimed(store(), draft, 'aborting')
      for (let now = NOW; now <= LATER; now += LEASE_MS / 10) {
        await store().claim(draft, { to: 'completing', now, leaseMs: LEASE_MS })
        await store().claim(draft, { to: 'completing', now, leaseMs: 0 })
      }
      expect(await due(LATER + 20)).toEqual([draft.id])
    })

    it('gives nothing that is created or open, has ended, was given back or is forgotten', async () => {
      await begun(store(), draftOf())
      await opened(store())
      for (const state of ['completed', 'failed', 'aborted'] as const) await ended(store(), state)
      const back = await opened(store())
      const fence = await claimed(store(), back)
      const step = { ...LIFE, from: 'completing', to: 'uploading', now: NOW } as const
      await store().settle(back, { ...step, fence })
      const short = { expiresAt: LATER, keepUntil: LATER }
      await claimed(store(), await opened(store(), {}, short))
      for (const now of [NOW, LATER, LATER + LEASE_MS]) expect(await due(now)).toEqual([])
    })

    it('gives an upload that was given back, and claimed again, when that lease ends', async () => {
      const draft = await opened(store())
      for (let turn = 0; turn < 3; turn++) {
        const fence = await claimed(store(), draft)
        const step = { ...LIFE, from: 'completing', to: 'uploading', now: NOW } as const
        await store().settle(draft, { ...step, fence })
      }
      await claimed(store(), draft)
      expect(await due(LATER)).toEqual([draft.id])
    })

    it('gives no more than asked for, and first what ended first', async () => {
      const ids: string[] = []
      for (let turn = 0; turn < 12; turn++) {
        const draft = await opened(store())
        await claimed(store(), draft, 'completing', NOW + turn * 10)
        ids.push(draft.id)
      }
      for (const limit of [1, 5, 12]) {
        expect(await due(LATER + 1_000, limit)).toEqual(ids.slice(0, limit))
      }
      expect(await due(LATER + 55)).toEqual(ids.slice(0, 6))
    })

    it('gives every one of a great many, taken one after the other', async () => {
      const ids = new Set<string>()
      for (let turn = 0; turn < 230; turn++) {
        const draft = await opened(store())
        await claimed(store(), draft, 'completing', NOW + turn)
        ids.add(draft.id)
      }
      const now = LATER + 1_000
      for (let found = await store().due({ now, limit: 50 }); found.length > 0; ) {
        for (const ref of found) {
          expect(ids.delete(ref.id)).toBe(true)
          await store().claim(ref, { to: 'completing', now, leaseMs: LEASE_MS })
        }
        found = await store().due({ now, limit: 50 })
      }
      expect(ids.size).toBe(0)
    })
  })
}
