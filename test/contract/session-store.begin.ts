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

const STEP = { ...LIFE, now: NOW, leaseMs: LEASE_MS }

export function beginContract(store: () => SessionStore): void {
  describe('begin', () => {
    it('creates a record that is creating, in epoch 1, without parts', async () => {
      const draft = draftOf({
        contentType: 'video/mp4',
        metadata: { title: 'Zoë’s "film"', 'a-b': '' },
        digest: 'root-10',
        size: 5 * 2 ** 40 - 1,
      })
      expect(await store().begin(draft, STEP)).toMatchObject({ kind: 'created', epoch: 1 })
      const session = await store().find(draft, NOW)
      expect(session?.upload).toEqual({ ...draft, ...LIFE, state: 'creating', epoch: 1 })
      expect(session?.parts).toEqual([])
    })

    it('lets exactly one of many racing callers create the upload', async () => {
      const draft = draftOf()
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => store().begin(draft, STEP)),
      )
      expect(outcomes.filter(({ kind }) => kind === 'created')).toHaveLength(1)
      expect(outcomes.filter(({ kind }) => kind === 'busy')).toHaveLength(19)
    })

    it('is busy until the lease of another creation ends, then takes over one epoch up', async () => {
      const draft = draftOf()
      const first = await begun(store(), draft)
      expect(await store().begin(draft, { ...STEP, now: NOW + 1_000 })).toEqual({
        kind: 'busy',
        retryAfterMs: LEASE_MS - 1_000,
      })
      const second = await store().begin(draft, { ...STEP, now: NOW + LEASE_MS })
      expect(second).toMatchObject({ kind: 'created', epoch: 2 })
      expect(second.kind === 'created' && second.fence > first.fence).toBe(true)
    })

    it('tells up to which epoch its records said more than that they were being created', async () => {
      const draft = await opened(store())
      const steps = [1, 2, 3].map((lease) => ({ ...STEP, now: NOW + lease * LEASE_MS }))
      const judged: number[] = []
      for (const step of [{ ...STEP, supersedes: 1 }, ...steps]) {
        const outcome = await store().begin(draft, step)
        judged.push(outcome.kind === 'created' ? outcome.judged : Number.NaN)
      }
      expect(judged).toEqual([1, 1, 1, 1])
      expect(await store().begin(draftOf(), STEP)).toMatchObject({ epoch: 1, judged: 0 })
    })

    it('goes on from an object that was found, and counts from its epoch', async () => {
      const draft = draftOf()
      const { fence } = await begun(store(), draft)
      const found = {
        ...LIFE,
        from: 'creating',
        to: 'completed',
        now: NOW,
        object: OBJECT,
      } as const
      expect(await store().settle(draft, { ...found, epoch: 7, fence: fence - 1 })).toBe(false)
      expect(await store().settle(draft, { ...found, epoch: 7, fence })).toBe(true)
      const expected = { ...draft, ...LIFE, state: 'completed', epoch: 7, object: OBJECT }
      expect((await store().find(draft, NOW))?.upload).toEqual(expected)
      const outcome = await store().begin(draft, { ...STEP, supersedes: 7 })
      expect(outcome).toMatchObject({ kind: 'created', epoch: 8 })
    })

    it('remembers of a multipart upload that it was found, until there is another', async () => {
      const draft = draftOf()
      const { fence } = await begun(store(), draft)
      await store().open(draft, { fence, multipartId: 'found', now: NOW, adopted: true })
      const fields = { state: 'uploading', epoch: 1, multipartId: 'found', adopted: true }
      expect((await store().find(draft, NOW))?.upload).toEqual({ ...draft, ...LIFE, ...fields })
      await claimed(store(), draft)
      expect((await store().find(draft, NOW))?.upload.adopted).toBe(true)
      const next = { ...STEP, now: NOW + LEASE_MS, supersedes: 1 }
      expect(await store().begin(draft, next)).toMatchObject({ kind: 'created', epoch: 2 })
      expect((await store().find(draft, NOW))?.upload).not.toHaveProperty('adopted')
    })

    it('tells of an upload that is there, with its parts', async () => {
      const draft = await opened(store())
      await store().recordParts(draft, change({ signed: [{ index: 2, checksum: sum(2) }] }))
      const outcome = await store().begin({ ...draft, filename: 'other' }, STEP)
      const session = await store().find(draft, NOW)
      expect(outcome).toEqual({ kind: 'exists', session })
      expect(session?.upload.filename).toBe('film.mp4')
      expect(session?.parts).toEqual([{ index: 2, checksum: sum(2) }])
    })

    it('lengthens the life of an upload that takes parts, and tells the new one', async () => {
      const draft = await opened(store())
      const longer = { expiresAt: LIFE.expiresAt + 5, keepUntil: LIFE.keepUntil + 5 }
      const outcome = await store().begin(draft, { ...STEP, ...longer })
      expect(outcome.kind === 'exists' && outcome.session.upload).toMatchObject(longer)
      expect((await store().find(draft, NOW))?.upload).toMatchObject(longer)
    })

    it('never shortens a life', async () => {
      const draft = await opened(store())
      await store().begin(draft, { ...STEP, expiresAt: NOW + 1, keepUntil: NOW + 1 })
      expect((await store().find(draft, NOW))?.upload).toMatchObject(LIFE)
    })

    it('brings an overdue upload back to life', async () => {
      const draft = await opened(store())
      const now = LIFE.expiresAt
      const life = { expiresAt: now + HOUR_MS, keepUntil: now + 2 * HOUR_MS }
      expect(await store().begin(draft, { ...STEP, ...life, now })).toMatchObject({
        kind: 'exists',
      })
      expect(await store().recordParts(draft, change({ ...life, now }))).toMatchObject({
        kind: 'recorded',
      })
    })

    it('leaves the life of an upload that is being completed alone', async () => {
      const draft = await opened(store())
      await claimed(store(), draft)
      const outcome = await store().begin(draft, { ...STEP, keepUntil: LIFE.keepUntil + 5 })
      expect(outcome.kind === 'exists' && outcome.session.upload).toMatchObject({
        ...LIFE,
        state: 'completing',
      })
    })

    it('tells of a completed upload with its object', async () => {
      const draft = await ended(store(), 'completed')
      const outcome = await store().begin(draft, STEP)
      expect(outcome.kind === 'exists' && outcome.session.upload).toMatchObject({
        state: 'completed',
        object: OBJECT,
      })
    })

    it.each(['failed', 'aborted'] as const)('replaces a %s upload one epoch up', async (state) => {
      const draft = await ended(store(), state)
      const before = await store().find(draft, NOW)
      const again = { ...draft, createdAt: NOW + 7, filename: 'again.mp4' }
      const short = { expiresAt: NOW + 10, keepUntil: NOW + 20 }
      expect(await store().begin(again, { ...STEP, ...short })).toMatchObject({
        kind: 'created',
        epoch: 2,
      })
      expect(before?.upload.state).toBe(state)
      const session = await store().find(draft, NOW)
      expect(session?.upload).toEqual({ ...again, ...short, state: 'creating', epoch: 2 })
      expect(session?.parts).toEqual([])
    })

    it('takes up no parts, odd ETags or object of the record that it replaces', async () => {
      const draft = await opened(store())
      const arrived = [
        { index: 1, etag: tag(1), checksum: sum(1) },
        { index: 2, etag: 'odd', checksum: sum(2) },
      ]
      await store().recordParts(draft, change({ arrived }))
      const fence = await claimed(store(), draft, 'completing')
      const settled = { ...LIFE, from: 'completing', to: 'completed', object: OBJECT } as const
      await store().settle(draft, { ...settled, fence, now: NOW })
      await store().begin(draft, { ...STEP, supersedes: 1 })
      const session = await store().find(draft, NOW)
      expect(session?.parts).toEqual([])
      expect(session?.upload).toEqual({ ...draft, ...LIFE, state: 'creating', epoch: 2 })
    })

    it.each(['uploading', 'completed'] as const)(
      'supersedes an %s upload of that epoch',
      async (state) => {
        const draft = state === 'completed' ? await ended(store(), state) : await opened(store())
        expect(await store().begin(draft, { ...STEP, supersedes: 2 })).toMatchObject({
          kind: 'exists',
        })
        expect(await store().begin(draft, { ...STEP, supersedes: 1 })).toMatchObject({
          kind: 'created',
          epoch: 2,
        })
      },
    )

    it.each(['failed', 'aborted'] as const)(
      'does not open a %s upload again for a caller who only means to supersede it',
      async (state) => {
        const draft = await ended(store(), state)
        const outcome = await store().begin(draft, { ...STEP, supersedes: 1 })
        expect(outcome.kind === 'exists' && outcome.session.upload.state).toBe(state)
      },
    )

    it('does not supersede what somebody is completing until the lease has ended', async () => {
      const draft = await opened(store())
      await claimed(store(), draft)
      const step = { ...STEP, supersedes: 1 }
      expect(await store().begin(draft, { ...step, now: NOW + 1 })).toEqual({
        kind: 'busy',
        retryAfterMs: LEASE_MS - 1,
      })
      expect(await store().begin(draft, { ...step, now: NOW + LEASE_MS })).toMatchObject({
        kind: 'created',
        epoch: 2,
      })
    })

    it('lets one of many callers supersede; the others find its creation busy', async () => {
      const draft = await opened(store())
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => store().begin(draft, { ...STEP, supersedes: 1 })),
      )
      expect(outcomes.filter(({ kind }) => kind === 'created')).toHaveLength(1)
      expect(outcomes.filter(({ kind }) => kind === 'busy')).toHaveLength(19)
    })

    it('begins anew, in epoch 1 but with a higher fence, where the record has been forgotten', async () => {
      const draft = draftOf()
      const first = await begun(store(), draft)
      const now = LIFE.keepUntil
      const life = { expiresAt: now + 1, keepUntil: now + HOUR_MS }
      const second = await store().begin(draft, { ...life, now, leaseMs: LEASE_MS })
      expect(second).toMatchObject({ kind: 'created', epoch: 1 })
      expect(second.kind === 'created' && second.fence > first.fence).toBe(true)
    })
  })

  describe('open', () => {
    it('makes the upload take parts, under the UploadId given', async () => {
      const draft = draftOf()
      const { fence } = await begun(store(), draft)
      expect(await store().open(draft, { fence, multipartId: 'm-1', now: NOW })).toBe(true)
      expect((await store().find(draft, NOW))?.upload).toEqual({
        ...draft,
        ...LIFE,
        state: 'uploading',
        epoch: 1,
        multipartId: 'm-1',
      })
    })

    it('still takes it from a late creator whom nobody has followed', async () => {
      const draft = draftOf()
      const { fence } = await begun(store(), draft)
      const now = NOW + 2 * LEASE_MS
      expect(await store().open(draft, { fence, multipartId: 'm-1', now })).toBe(true)
    })

    it('refuses a creator whose claim another has taken over', async () => {
      const draft = draftOf()
      const { fence } = await begun(store(), draft)
      const second = await store().begin(draft, { ...STEP, now: NOW + LEASE_MS })
      expect(await store().open(draft, { fence, multipartId: 'late', now: NOW })).toBe(false)
      expect((await store().find(draft, NOW))?.upload.state).toBe('creating')
      const latest = second.kind === 'created' ? second.fence : 0
      expect(await store().open(draft, { fence: latest, multipartId: 'm-2', now: NOW })).toBe(true)
      expect(await store().open(draft, { fence, multipartId: 'late', now: NOW })).toBe(false)
      expect((await store().find(draft, NOW))?.upload.multipartId).toBe('m-2')
    })

    it('refuses an upload that is not there', async () => {
      const step = { fence: NOW + 1, multipartId: 'm', now: NOW }
      expect(await store().open(draftOf(), step)).toBe(false)
    })
  })

  describe('find', () => {
    it('knows nothing of an id of somebody else', async () => {
      const draft = await opened(store())
      expect(await store().find({ owner: 'somebody', id: draft.id }, NOW)).toBeUndefined()
      expect(await store().find({ owner: draft.owner, id: 'other' }, NOW)).toBeUndefined()
    })

    it('forgets a record at the instant of keepUntil, not before', async () => {
      const draft = await opened(store())
      expect(await store().find(draft, LIFE.keepUntil - 1)).toBeDefined()
      expect(await store().find(draft, LIFE.keepUntil)).toBeUndefined()
    })

    it('keeps owners apart whatever characters they have', async () => {
      const owners = [
        '}',
        '{',
        '{}',
        'a}b',
        'a%7Db',
        'a b',
        ' ',
        '%',
        '',
        'é',
        'e\u0301',
        '日本',
        "';--",
      ]
      const drafts = owners.map((owner) =>
        draftOf({ id: 'the-same', owner, filename: `f${owner}` }),
      )
      for (const draft of drafts) await begun(store(), draft)
      for (const draft of drafts) {
        expect((await store().find(draft, NOW))?.upload.filename).toBe(draft.filename)
      }
    })
  })

  it('answers a check', async () => {
    await expect(store().check()).resolves.toBeUndefined()
  })
}
