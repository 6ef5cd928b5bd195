import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { SessionStore } from '../../src/coordinator/ports.js'
import type { UploadDraft } from '../../src/coordinator/session.js'
import {
  claimed,
  draftOf,
  LEASE_MS,
  LIFE,
  NOW,
  OBJECT,
  opened,
  twinOf,
} from './session-store.fixtures.js'

export function contentsContract(store: () => SessionStore): void {
  /** An upload of the owner that ended as completed, known by these contents. */
  async function stored(
    owner: string,
    contents: readonly string[],
    life = LIFE,
  ): Promise<UploadDraft> {
    const draft = await opened(store(), { owner }, LIFE)
    const fence = await claimed(store(), draft)
    const step = { ...life, from: 'completing', to: 'completed', object: OBJECT } as const
    await store().settle(draft, { ...step, fence, now: NOW, contents })
    return draft
  }

  describe('an upload of a content that is stored already', () => {
    it('is begun knowing the completed one, by any of its contents', async () => {
      const owner = randomUUID()
      const draft = await stored(owner, ['root-1', 'SHA_2', 'x'])
      const upload = (await store().find(draft, NOW))?.upload
      expect(upload).toMatchObject({ state: 'completed', object: OBJECT })
      for (const content of ['root-1', 'SHA_2', 'x']) {
        expect(await twinOf(store(), owner, content)).toEqual(upload)
      }
    })

    it('is begun knowing of none where nothing has that content, or nothing is asked', async () => {
      const owner = randomUUID()
      await stored(owner, ['red'])
      expect(await twinOf(store(), owner, 'blue')).toBeUndefined()
      const outcome = await store().begin(draftOf({ owner }), {
        ...LIFE,
        now: NOW,
        leaseMs: LEASE_MS,
      })
      expect(outcome).not.toHaveProperty('twin')
    })

    it('never learns of what another owner has', async () => {
      await stored(randomUUID(), ['red'])
      expect(await twinOf(store(), randomUUID(), 'red')).toBeUndefined()
    })

    it('learns of the upload that settled last, and of none before it once that has gone', async () => {
      const owner = randomUUID()
      const first = await stored(owner, ['red', 'blue'])
      const last = await stored(owner, ['red'], { ...LIFE, keepUntil: NOW + 10 })
      expect((await twinOf(store(), owner, 'red'))?.id).toBe(last.id)
      expect((await twinOf(store(), owner, 'blue'))?.id).toBe(first.id)
      const step = { expiresAt: NOW + 99, keepUntil: NOW + 99, now: NOW + 10, leaseMs: 1 }
      const late = await store().begin(draftOf({ owner }), { ...step, content: 'red' })
      expect(late).toMatchObject({ kind: 'created' })
      expect(late).not.toHaveProperty('twin')
    })

    it('learns of it at any time until it is forgotten', async () => {
      const owner = randomUUID()
      const draft = await stored(owner, ['red'], { ...LIFE, keepUntil: NOW + 10 })
      const life = { expiresAt: NOW + 99, keepUntil: NOW + 99 }
      const step = { ...life, leaseMs: 1, content: 'red' }
      expect(await store().begin(draftOf({ owner }), { ...step, now: NOW + 9 })).toMatchObject({
        twin: { id: draft.id },
      })
      const late = await store().begin(draftOf({ owner }), { ...step, now: NOW + 10 })
      expect(late).not.toHaveProperty('twin')
    })

    it('keeps the content of what settled later when what had it before is forgotten', async () => {
      const owner = randomUUID()
      await stored(owner, ['red'], { ...LIFE, keepUntil: NOW + 1 })
      const last = await stored(owner, ['red'])
      const step = { ...LIFE, now: NOW + 1, leaseMs: 1, content: 'red' }
      for (let purges = 0; purges < 2; purges++) {
        const outcome = await store().begin(draftOf({ owner }), step)
        expect(outcome).toMatchObject({ twin: { id: last.id } })
      }
    })

    it('does not learn of one that is being verified, or that has failed', async () => {
      const owner = randomUUID()
      const draft = await stored(owner, ['red'])
      const fence = await claimed(store(), draft, 'verifying')
      expect(await twinOf(store(), owner, 'red')).toBeUndefined()
      const step = { ...LIFE, from: 'verifying', to: 'failed', now: NOW } as const
      await store().settle(draft, { ...step, fence })
      expect(await twinOf(store(), owner, 'red')).toBeUndefined()
    })

    it('learns of one that was verified since, by what it is known by before and after', async () => {
      const owner = randomUUID()
      const draft = await stored(owner, ['red'])
      const fence = await claimed(store(), draft, 'verifying')
      const object = { ...OBJECT, sha256: 'ab', md5: 'cd' }
      const step = { ...LIFE, from: 'verifying', to: 'completed', now: NOW, object } as const
      await store().settle(draft, { ...step, fence, contents: ['blue'] })
      for (const content of ['red', 'blue']) {
        expect(await twinOf(store(), owner, content)).toMatchObject({ id: draft.id, object })
      }
    })

    it('is known by nothing where it did not end as completed', async () => {
      const owner = randomUUID()
      for (const to of ['uploading', 'failed'] as const) {
        const draft = await opened(store(), { owner })
        const fence = await claimed(store(), draft)
        const step = { ...LIFE, from: 'completing', to, now: NOW } as const
        await store().settle(draft, { ...step, fence, contents: ['red'] })
      }
      expect(await twinOf(store(), owner, 'red')).toBeUndefined()
    })

    it('is not its own twin when it takes the place of its record', async () => {
      const owner = randomUUID()
      const draft = await stored(owner, ['red'])
      const step = { ...LIFE, now: NOW, leaseMs: LEASE_MS, supersedes: 1, content: 'red' }
      const outcome = await store().begin(draft, step)
      expect(outcome).toMatchObject({ kind: 'created', epoch: 2 })
      expect(outcome).not.toHaveProperty('twin')
    })

    it('has none of the contents of the record whose place it took, once completed', async () => {
      const owner = randomUUID()
      const draft = await stored(owner, ['red'])
      const step = { ...LIFE, now: NOW, leaseMs: LEASE_MS, supersedes: 1 }
      const begun = await store().begin(draft, step)
      const fence = begun.kind === 'created' ? begun.fence : 0
      const done = { ...LIFE, from: 'creating', to: 'completed', now: NOW, object: OBJECT } as const
      await store().settle(draft, { ...done, fence, contents: ['blue'] })
      expect(await twinOf(store(), owner, 'red')).toBeUndefined()
      expect((await twinOf(store(), owner, 'blue'))?.id).toBe(draft.id)
    })
  })
}
