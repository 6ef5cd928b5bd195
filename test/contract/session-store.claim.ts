import { describe, expect, it } from 'vitest'
import type { SessionStore } from '../../src/coordinator/ports.js'
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
  sum,
  tag,
} from './session-store.fixtures.js'

const COMPLETE = { to: 'completing', now: NOW, leaseMs: LEASE_MS } as const
const ABORT = { to: 'aborting', now: NOW, leaseMs: LEASE_MS } as const

export function claimContract(store: () => SessionStore): void {
  describe('claim', () => {
    it('gives the upload, in its claimed state, with its parts', async () => {
      const draft = await opened(store())
      const arrived = [
        { index: 1, etag: 'odd' },
        { index: 2, etag: tag(2), checksum: sum(2) },
      ]
      await store().recordParts(draft, change({ arrived }))
      const outcome = await store().claim(draft, COMPLETE)
      const session = await store().find(draft, NOW)
      expect(session).toMatchObject({ upload: { state: 'completing' }, parts: arrived })
      expect(outcome).toEqual({ kind: 'claimed', session, fence: expect.any(Number), attempt: 1 })
    })

    it('lets exactly one of many racing callers have it', async () => {
      const draft = await opened(store())
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => store().claim(draft, COMPLETE)),
      )
      expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1)
      expect(outcomes.filter(({ kind }) => kind === 'busy')).toHaveLength(19)
    })

    it.each([COMPLETE, ABORT])(
      'is busy, whatever it is claimed for, until the lease of $to ends',
      async (step) => {
        const draft = await opened(store())
        await store().claim(draft, step)
        for (const other of [COMPLETE, ABORT]) {
          expect(await store().claim(draft, { ...other, now: NOW + LEASE_MS - 1 })).toEqual({
            kind: 'busy',
            state: step.to,
            retryAfterMs: 1,
          })
        }
      },
    )

    it('goes to the next caller, with a higher fence, when the lease has ended', async () => {
      const draft = await opened(store())
      const first = await claimed(store(), draft)
      const second = await claimed(store(), draft, 'completing', NOW + LEASE_MS)
      expect(second).toBeGreaterThan(first)
      expect(
        await store().claim(draft, { ...COMPLETE, now: NOW + 2 * LEASE_MS - 1 }),
      ).toMatchObject({
        kind: 'busy',
      })
    })

    it('does not turn what was being completed into an abort, nor the other way round', async () => {
      const completing = await opened(store())
      await claimed(store(), completing, 'completing')
      const aborting = await opened(store())
      await claimed(store(), aborting, 'aborting')
      const now = NOW + LEASE_MS
      expect(await store().claim(completing, { ...ABORT, now })).toMatchObject({
        kind: 'wrong-state',
        upload: { state: 'completing' },
      })
      expect(await store().claim(aborting, { ...COMPLETE, now })).toMatchObject({
        kind: 'wrong-state',
        upload: { state: 'aborting' },
      })
    })

    it('has a higher fence than the creation and every claim before', async () => {
      const draft = draftOf()
      const fences = [(await begun(store(), draft)).fence]
      await store().open(draft, { fence: fences[0] ?? 0, multipartId: 'm', now: NOW })
      for (let i = 0; i < 3; i++) {
        const fence = await claimed(store(), draft)
        fences.push(fence)
        await store().settle(draft, {
          ...LIFE,
          from: 'completing',
          to: 'uploading',
          fence,
          now: NOW,
        })
      }
      const again = await store().begin(draft, { ...LIFE, now: NOW, leaseMs: 1, supersedes: 1 })
      fences.push(again.kind === 'created' ? again.fence : 0)
      expect(new Set(fences).size).toBe(5)
      expect(fences).toEqual(fences.toSorted((a, b) => a - b))
    })

    it('lets an overdue upload be aborted, not completed', async () => {
      const draft = await opened(store())
      const now = LIFE.expiresAt
      expect(await store().claim(draft, { ...COMPLETE, now: now - 1, leaseMs: 1 })).toMatchObject({
        kind: 'claimed',
      })
      const overdue = await opened(store())
      expect(await store().claim(overdue, { ...COMPLETE, now })).toMatchObject({
        kind: 'wrong-state',
        upload: { state: 'uploading' },
      })
      expect(await store().claim(overdue, { ...ABORT, now })).toMatchObject({ kind: 'claimed' })
    })

    it('leaves an upload alone that is not overdue, where only overdue ones are meant', async () => {
      const draft = await opened(store())
      const step = { ...ABORT, onlyOverdue: true as const }
      const early = { ...step, now: LIFE.expiresAt - 1 }
      expect(await store().claim(draft, early)).toMatchObject({
        kind: 'wrong-state',
        upload: { state: 'uploading' },
      })
      const late = { ...step, now: LIFE.expiresAt, leaseMs: 1 }
      expect(await store().claim(draft, late)).toMatchObject({ kind: 'claimed', attempt: 1 })
      const again = { ...step, now: LIFE.expiresAt + 1 }
      expect(await store().claim(draft, again)).toMatchObject({ kind: 'claimed', attempt: 2 })
    })

    it('goes on with a completion that outlived expiresAt', async () => {
      const draft = await opened(store())
      await claimed(store(), draft)
      const step = { ...COMPLETE, now: LIFE.expiresAt + 1 }
      expect(await store().claim(draft, step)).toMatchObject({ kind: 'claimed' })
    })

    it.each(['completed', 'failed', 'aborted'] as const)('is refused once %s', async (state) => {
      const draft = await ended(store(), state)
      const before = await store().find(draft, NOW)
      for (const step of [COMPLETE, ABORT]) {
        expect(await store().claim(draft, step)).toEqual({
          kind: 'wrong-state',
          upload: before?.upload,
        })
      }
      expect(await store().find(draft, NOW)).toEqual(before)
    })

    it('is refused while the upload is being created', async () => {
      const draft = draftOf()
      await begun(store(), draft)
      for (const now of [NOW, NOW + LEASE_MS]) {
        expect(await store().claim(draft, { ...ABORT, now })).toMatchObject({
          kind: 'wrong-state',
          upload: { state: 'creating' },
        })
      }
    })

    it('finds no upload where there is none, or none any more', async () => {
      expect(await store().claim(draftOf(), COMPLETE)).toEqual({ kind: 'not-found' })
      const draft = await opened(store())
      expect(await store().claim(draft, { ...ABORT, now: LIFE.keepUntil })).toEqual({
        kind: 'not-found',
      })
    })
  })

  describe('settle', () => {
    const DONE = { ...LIFE, from: 'completing', to: 'completed', now: NOW, object: OBJECT } as const
    const GIVE_BACK = { ...LIFE, from: 'completing', to: 'uploading', now: NOW } as const

    it('stores the object, and whoever asks later gets it', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft)
      const life = { expiresAt: NOW + 10, keepUntil: NOW + 3 * HOUR_MS }
      expect(await store().settle(draft, { ...DONE, ...life, fence })).toBe(true)
      expect((await store().find(draft, NOW))?.upload).toEqual({
        ...draft,
        ...life,
        state: 'completed',
        epoch: 1,
        multipartId: 'multipart',
        object: OBJECT,
      })
    })

    it('stores an object that has neither digest nor version', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft)
      const { digest: _, versionId: __, ...object } = OBJECT
      await store().settle(draft, { ...DONE, object, fence })
      expect((await store().find(draft, NOW))?.upload.object).toEqual(object)
    })

    it('keeps the parts of an upload that has ended', async () => {
      const draft = await opened(store())
      const arrived = [{ index: 1, etag: tag(1), checksum: sum(1) }]
      await store().recordParts(draft, change({ arrived }))
      const fence = await claimed(store(), draft, 'aborting')
      const step = { ...LIFE, from: 'aborting', to: 'aborted', now: NOW } as const
      expect(await store().settle(draft, { ...step, fence })).toBe(true)
      expect(await store().find(draft, NOW)).toMatchObject({
        upload: { state: 'aborted' },
        parts: arrived,
      })
    })

    it('gives an ended record the life asked for, though it be shorter', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft)
      const life = { expiresAt: NOW + 10, keepUntil: NOW + 20 }
      await store().settle(draft, { ...DONE, ...life, fence })
      expect(await store().find(draft, NOW + 19)).toMatchObject({ upload: life })
      expect(await store().find(draft, NOW + 20)).toBeUndefined()
    })

    it('gives the claim back: the parts stay, the life gets no shorter, and it can be claimed', async () => {
      const draft = await opened(store())
      const arrived = [
        { index: 1, etag: tag(1), checksum: sum(1) },
        { index: 2, etag: 'odd' },
      ]
      await store().recordParts(draft, change({ arrived }))
      const before = await store().find(draft, NOW)
      const fence = await claimed(store(), draft)
      const shorter = { expiresAt: NOW + 1, keepUntil: NOW + 2 }
      expect(await store().settle(draft, { ...GIVE_BACK, ...shorter, fence })).toBe(true)
      expect(await store().find(draft, NOW)).toEqual(before)
      expect(await claimed(store(), draft, 'aborting')).toBeGreaterThan(fence)
    })

    it('may be done late, as long as nobody has taken over', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft)
      expect(await store().settle(draft, { ...DONE, fence, now: NOW + 5 * LEASE_MS })).toBe(true)
    })

    it('writes nothing for a holder whom another has followed', async () => {
      const draft = await opened(store())
      const late = await claimed(store(), draft)
      const fence = await claimed(store(), draft, 'completing', NOW + LEASE_MS)
      const before = await store().find(draft, NOW)
      expect(await store().settle(draft, { ...DONE, fence: late })).toBe(false)
      expect(await store().settle(draft, { ...GIVE_BACK, fence: late })).toBe(false)
      expect(await store().find(draft, NOW)).toEqual(before)
      expect(await store().settle(draft, { ...DONE, fence })).toBe(true)
      expect(await store().settle(draft, { ...DONE, fence })).toBe(false)
    })

    it('writes nothing from another state, or where there is no upload', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft, 'aborting')
      expect(await store().settle(draft, { ...DONE, fence })).toBe(false)
      expect(await store().settle(draft, { ...DONE, from: 'verifying', fence })).toBe(false)
      expect((await store().find(draft, NOW))?.upload.state).toBe('aborting')
      expect(await store().settle(draftOf(), { ...DONE, fence })).toBe(false)
      expect(
        await store().settle(draft, { ...DONE, from: 'aborting', fence, now: LIFE.keepUntil }),
      ).toBe(false)
    })
  })
}
