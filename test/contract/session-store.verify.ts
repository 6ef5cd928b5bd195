import { describe, expect, it } from 'vitest'
import type { SessionStore, SettleStep } from '../../src/coordinator/ports.js'
import {
  begun,
  claimed,
  draftOf,
  ended,
  LEASE_MS,
  LIFE,
  NOW,
  OBJECT,
  opened,
} from './session-store.fixtures.js'

const VERIFY = { to: 'verifying', now: NOW, leaseMs: LEASE_MS } as const
const LEAVE = { ...LIFE, to: 'verifying', now: NOW, object: OBJECT } as const
const HASHES = { sha256: 'ab'.repeat(32), md5: 'cd'.repeat(16) }

export function verifyContract(store: () => SessionStore): void {
  /** An upload whose object is there and that waits for somebody to verify it. */
  async function left(from: 'creating' | 'completing' = 'completing') {
    const draft = from === 'creating' ? draftOf() : await opened(store())
    const fence =
      from === 'creating' ? (await begun(store(), draft)).fence : await claimed(store(), draft)
    expect(await store().settle(draft, { ...LEAVE, from, fence })).toBe(true)
    return draft
  }

  async function stateOf(ref: { readonly owner: string; readonly id: string }) {
    return (await store().find(ref, NOW))?.upload.state
  }

  describe('an upload that is to be verified', () => {
    it.each(['completing', 'creating'] as const)(
      'is left by who was %s it, with the object, to whoever claims it next',
      async (from) => {
        const draft = await left(from)
        expect((await store().find(draft, NOW))?.upload).toMatchObject({
          state: 'verifying',
          object: OBJECT,
        })
        expect(await store().claim(draft, VERIFY)).toMatchObject({ kind: 'claimed', attempt: 1 })
        expect(await store().claim(draft, VERIFY)).toMatchObject({
          kind: 'busy',
          state: 'verifying',
        })
      },
    )

    it('gets the epoch of the object that was found while it was created', async () => {
      const draft = draftOf()
      const { fence } = await begun(store(), draft)
      await store().settle(draft, { ...LEAVE, from: 'creating', fence, epoch: 4 })
      expect((await store().find(draft, NOW))?.upload).toMatchObject({ epoch: 4 })
    })

    it('gets the life asked for when it is left, though it be shorter', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft)
      const life = { expiresAt: NOW + 10, keepUntil: NOW + 20 }
      await store().settle(draft, { ...LEAVE, ...life, from: 'completing', fence })
      expect((await store().find(draft, NOW))?.upload).toMatchObject(life)
      expect(await store().claim(draft, { ...VERIFY, now: NOW + 20 })).toEqual({
        kind: 'not-found',
      })
    })

    it.each([
      ['completed', { object: { ...OBJECT, ...HASHES } }],
      ['failed', {}],
    ] as const)('ends as %s, with what is known of its object then', async (to, known) => {
      const draft = await left()
      const fence = await claimed(store(), draft, 'verifying')
      const step: SettleStep = { ...LIFE, from: 'verifying', to, fence, now: NOW, ...known }
      expect(await store().settle(draft, step)).toBe(true)
      expect((await store().find(draft, NOW))?.upload).toMatchObject({
        state: to,
        object: { ...OBJECT, ...(to === 'completed' ? HASHES : {}) },
      })
    })

    it('goes to the next verifier when the lease has ended, and the late one writes nothing', async () => {
      const draft = await left()
      const late = await claimed(store(), draft, 'verifying')
      const now = NOW + LEASE_MS
      expect(await store().claim(draft, { ...VERIFY, now: now - 1 })).toMatchObject({
        kind: 'busy',
        retryAfterMs: 1,
      })
      expect(await store().claim(draft, { ...VERIFY, now })).toMatchObject({ kind: 'claimed' })
      const step = { ...LIFE, from: 'verifying', to: 'failed', now } as const
      expect(await store().settle(draft, { ...step, fence: late })).toBe(false)
      expect(await stateOf(draft)).toBe('verifying')
    })

    it('can neither be completed nor aborted meanwhile', async () => {
      const draft = await left()
      for (const to of ['completing', 'aborting'] as const) {
        expect(await store().claim(draft, { ...VERIFY, to })).toMatchObject({
          kind: 'wrong-state',
          upload: { state: 'verifying' },
        })
      }
    })

    it('is a completed one, or one that is verifying, and no other', async () => {
      const done = await ended(store(), 'completed')
      expect(await store().claim(done, VERIFY)).toMatchObject({ kind: 'claimed', attempt: 1 })
      const creating = draftOf()
      await begun(store(), creating)
      const others = [
        creating,
        await opened(store()),
        await ended(store(), 'failed'),
        await ended(store(), 'aborted'),
      ]
      for (const draft of others) {
        const before = await store().find(draft, NOW)
        expect(await store().claim(draft, { ...VERIFY, now: NOW + LEASE_MS })).toEqual({
          kind: 'wrong-state',
          upload: before?.upload,
        })
      }
    })
  })

  describe('the hash that the object is to have', () => {
    it('is kept with the draft, and with the record apart from it', async () => {
      const draft = await opened(store(), { fileHash: HASHES.sha256 })
      const claim = { ...VERIFY, to: 'completing', expectedHash: HASHES.md5 } as const
      expect(await store().claim(draft, claim)).toMatchObject({
        session: { upload: { fileHash: HASHES.sha256, expectedHash: HASHES.md5 } },
      })
      expect((await store().find(draft, NOW))?.upload).toMatchObject({
        fileHash: HASHES.sha256,
        expectedHash: HASHES.md5,
      })
    })

    it('stays from claim to claim until another one is given', async () => {
      const draft = await ended(store(), 'completed')
      const expected: unknown[] = []
      for (const given of [{ expectedHash: 'aa' }, {}, { expectedHash: 'bb' }]) {
        const outcome = await store().claim(draft, { ...VERIFY, ...given })
        if (outcome.kind !== 'claimed') throw new Error(outcome.kind)
        expected.push(outcome.session.upload.expectedHash)
        const { fence } = outcome
        const step = { ...LIFE, from: 'verifying', to: 'completed', now: NOW } as const
        await store().settle(draft, { ...step, fence })
      }
      expect(expected).toEqual(['aa', 'aa', 'bb'])
    })

    it('is not taken from a claim that is not granted', async () => {
      const draft = await ended(store(), 'completed')
      await store().claim(draft, { ...VERIFY, expectedHash: 'aa' })
      await store().claim(draft, { ...VERIFY, expectedHash: 'bb' })
      await store().claim(draft, { ...VERIFY, to: 'completing', expectedHash: 'cc' })
      expect((await store().find(draft, NOW))?.upload.expectedHash).toBe('aa')
    })

    it('goes with the record that another creation replaces', async () => {
      const draft = await ended(store(), 'completed')
      const claim = await store().claim(draft, { ...VERIFY, expectedHash: 'aa' })
      const step = { ...LIFE, from: 'verifying', to: 'failed', now: NOW } as const
      await store().settle(draft, { ...step, fence: claim.kind === 'claimed' ? claim.fence : 0 })
      await begun(store(), draft)
      expect((await store().find(draft, NOW))?.upload).not.toHaveProperty('expectedHash')
    })
  })

  describe('an upload that was completed before', () => {
    it('is standing until it settles, whoever verifies it', async () => {
      const draft = await ended(store(), 'completed')
      await store().claim(draft, { ...VERIFY, leaseMs: 0, expectedHash: 'aa' })
      expect((await store().find(draft, NOW))?.upload).toMatchObject({ standing: true })
      const claim = await store().claim(draft, VERIFY)
      if (claim.kind !== 'claimed') throw new Error(claim.kind)
      expect(claim.session.upload).toMatchObject({ state: 'verifying', standing: true })
      const { fence } = claim
      const step = { ...LIFE, from: 'verifying', to: 'completed', now: NOW, fence } as const
      await store().settle(draft, step)
      expect((await store().find(draft, NOW))?.upload).not.toHaveProperty('standing')
    })

    it('is one whose completion went on to its verification not', async () => {
      const claim = await store().claim(await left(), VERIFY)
      if (claim.kind !== 'claimed') throw new Error(claim.kind)
      expect(claim.session.upload).not.toHaveProperty('standing')
    })
  })

  describe('the number of attempts', () => {
    it('counts the claims in a row for the same', async () => {
      const draft = await left()
      const attempts: number[] = []
      for (let turn = 0; turn < 3; turn++) {
        const outcome = await store().claim(draft, { ...VERIFY, now: NOW + turn * LEASE_MS })
        attempts.push(outcome.kind === 'claimed' ? outcome.attempt : 0)
      }
      expect(attempts).toEqual([1, 2, 3])
    })

    it('does not count a claim that leaves the upload to the next', async () => {
      const draft = await ended(store(), 'completed')
      const claim = { ...VERIFY, leaseMs: 0, expectedHash: 'aa' }
      expect(await store().claim(draft, claim)).toMatchObject({ kind: 'claimed', attempt: 0 })
      expect(await store().claim(draft, VERIFY)).toMatchObject({ kind: 'claimed', attempt: 1 })
    })

    it('begins again where the claim comes from another state', async () => {
      const draft = await opened(store())
      for (const now of [NOW, NOW + LEASE_MS]) await claimed(store(), draft, 'completing', now)
      const now = NOW + 2 * LEASE_MS
      const fence = await claimed(store(), draft, 'completing', now)
      await store().settle(draft, { ...LEAVE, from: 'completing', fence, now })
      const outcome = await store().claim(draft, { ...VERIFY, now })
      expect(outcome).toMatchObject({ kind: 'claimed', attempt: 1 })
    })

    it('begins again when the upload was given back', async () => {
      const draft = await opened(store())
      await claimed(store(), draft)
      const fence = await claimed(store(), draft, 'completing', NOW + LEASE_MS)
      const step = { ...LIFE, from: 'completing', to: 'uploading', now: NOW } as const
      await store().settle(draft, { ...step, fence })
      expect(await store().claim(draft, { ...VERIFY, to: 'completing' })).toMatchObject({
        kind: 'claimed',
        attempt: 1,
      })
    })
  })

  describe('extend', () => {
    const EXTEND = { state: 'verifying', now: NOW + 1_000, leaseMs: LEASE_MS } as const

    it('lets the next creator begin at once when it ends the lease', async () => {
      const draft = draftOf()
      const { fence } = await begun(store(), draft)
      const step = { state: 'creating', fence, now: NOW, leaseMs: 0 } as const
      expect(await store().extend(draft, step)).toBe(true)
      expect(await store().extend(draft, { ...step, fence: fence - 1 })).toBe(false)
      await begun(store(), draft)
      expect(await store().extend(draft, step)).toBe(false)
    })

    it('puts the end of the lease off, from now', async () => {
      const draft = await left()
      const fence = await claimed(store(), draft, 'verifying')
      expect(await store().extend(draft, { ...EXTEND, fence })).toBe(true)
      const end = EXTEND.now + LEASE_MS
      expect(await store().claim(draft, { ...VERIFY, now: end - 1 })).toMatchObject({
        kind: 'busy',
        retryAfterMs: 1,
      })
      expect(await store().claim(draft, { ...VERIFY, now: end })).toMatchObject({
        kind: 'claimed',
        attempt: 2,
      })
    })

    it('ends the lease sooner, too', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft)
      const step = { ...EXTEND, state: 'completing', leaseMs: 0, fence } as const
      expect(await store().extend(draft, step)).toBe(true)
      expect(
        await store().claim(draft, { ...VERIFY, to: 'completing', now: step.now }),
      ).toMatchObject({ kind: 'claimed' })
    })

    it('revives a lease that has ended, as long as nobody has taken over', async () => {
      const draft = await left()
      const fence = await claimed(store(), draft, 'verifying')
      const now = NOW + 3 * LEASE_MS
      expect(await store().extend(draft, { ...EXTEND, fence, now })).toBe(true)
      expect(await store().claim(draft, { ...VERIFY, now })).toMatchObject({ kind: 'busy' })
    })

    it('changes nothing for another fence, another state, or where there is no upload', async () => {
      const draft = await left()
      const late = await claimed(store(), draft, 'verifying')
      const fence = await claimed(store(), draft, 'verifying', NOW + LEASE_MS)
      const now = NOW + LEASE_MS
      const step = { ...EXTEND, now, leaseMs: 9 * LEASE_MS }
      expect(await store().extend(draft, { ...step, fence: late })).toBe(false)
      expect(await store().extend(draft, { ...step, state: 'completing', fence })).toBe(false)
      expect(await store().extend(draft, { ...step, fence, now: LIFE.keepUntil })).toBe(false)
      expect(await store().extend(draftOf(), { ...step, fence })).toBe(false)
      expect(await store().claim(draft, { ...VERIFY, now })).toEqual({
        kind: 'busy',
        state: 'verifying',
        retryAfterMs: LEASE_MS,
      })
    })
  })

  it('ends an upload as expired that was aborted for its age', async () => {
    const draft = await opened(store())
    const now = LIFE.expiresAt
    const fence = await claimed(store(), draft, 'aborting', now)
    const step = { ...LIFE, from: 'aborting', to: 'expired', now } as const
    expect(await store().settle(draft, { ...step, fence })).toBe(true)
    expect(await stateOf(draft)).toBe('expired')
    const again = { ...LIFE, now, leaseMs: LEASE_MS }
    expect(await store().begin(draft, again)).toMatchObject({ kind: 'created', epoch: 2 })
  })
}
