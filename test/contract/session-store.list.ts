import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ListUploads, SessionStore } from '../../src/coordinator/ports.js'
import { begun, change, draftOf, ended, LIFE, NOW, opened, tag } from './session-store.fixtures.js'

export function listContract(store: () => SessionStore): void {
  /** The ids on all pages. */
  async function listAll(owner: string, query: Partial<ListUploads> = {}): Promise<string[]> {
    const ids: string[] = []
    let next: { readonly cursor?: string } | undefined = {}
    while (next !== undefined) {
      const page = await store().list(owner, { now: NOW, limit: 3, ...query, ...next })
      expect(page.uploads.length).toBeLessThanOrEqual(query.limit ?? 3)
      ids.push(...page.uploads.map(({ upload }) => upload.id))
      next = page.nextCursor === undefined ? undefined : { cursor: page.nextCursor }
    }
    return ids
  }

  describe('list', () => {
    it('gives the uploads as find does, with the number of parts that arrived', async () => {
      const draft = await opened(store(), { metadata: { title: 'é' } })
      await store().recordParts(
        draft,
        change({
          signed: [{ index: 3, checksum: Buffer.alloc(32).toString('base64') }],
          arrived: [1, 2].map((index) => ({ index, etag: tag(index) })),
        }),
      )
      const { upload } = (await store().find(draft, NOW)) ?? {}
      expect(await store().list(draft.owner, { now: NOW, limit: 10 })).toEqual({
        uploads: [{ upload, arrivedCount: 2 }],
      })
    })

    it('gives each upload once, newest first, then by id, over any number of pages', async () => {
      const owner = randomUUID()
      const ages = [5, 900, 10, 10, 10, 7_000_000, 0, 10, 99]
      const drafts = ages.map((age, i) => draftOf({ id: `id_${i}`, owner, createdAt: NOW - age }))
      for (const draft of drafts) await begunAndOpened(draft)
      const sorted = drafts.toSorted(
        (a, b) => b.createdAt - a.createdAt || Number(b.id > a.id) - Number(b.id < a.id),
      )
      for (const limit of [1, 2, 3, 100]) {
        expect(await listAll(owner, { limit })).toEqual(sorted.map(({ id }) => id))
      }
    })

    async function begunAndOpened(draft: ReturnType<typeof draftOf>): Promise<void> {
      const { fence } = await begun(store(), draft)
      await store().open(draft, { fence, multipartId: 'm', now: NOW })
    }

    it('gives no cursor with the last page, and one of URL characters before', async () => {
      const owner = randomUUID()
      for (let i = 0; i < 2; i++) await opened(store(), { owner, id: `~/ ${i}` })
      const first = await store().list(owner, { now: NOW, limit: 1 })
      expect(first.nextCursor).toMatch(/^[A-Za-z0-9_-]{1,256}$/)
      const cursor = first.nextCursor ?? ''
      const second = await store().list(owner, { now: NOW, limit: 1, cursor })
      expect(second.uploads).toHaveLength(1)
      expect(second.nextCursor).toBeUndefined()
    })

    it('goes on behind the cursor though newer uploads came in between', async () => {
      const owner = randomUUID()
      for (let i = 1; i <= 4; i++) await opened(store(), { owner, id: `${i}`, createdAt: NOW + i })
      const first = await store().list(owner, { now: NOW, limit: 2 })
      await opened(store(), { owner, id: '5', createdAt: NOW + 5 })
      const cursor = first.nextCursor ?? ''
      expect(first.uploads.map(({ upload }) => upload.id)).toEqual(['4', '3'])
      expect(await listAll(owner, { limit: 2 })).toEqual(['5', '4', '3', '2', '1'])
      const second = await store().list(owner, { now: NOW, limit: 2, cursor })
      expect(second.uploads.map(({ upload }) => upload.id)).toEqual(['2', '1'])
    })

    it('gives those of one state only, when asked', async () => {
      const owner = randomUUID()
      for (let i = 1; i <= 4; i++) await opened(store(), { owner, id: `u${i}` })
      for (let i = 1; i <= 4; i++) await ended(store(), 'aborted', { owner, id: `a${i}` })
      expect(await listAll(owner, { state: 'aborted' })).toEqual(['a4', 'a3', 'a2', 'a1'])
      expect(await listAll(owner, { state: 'uploading' })).toEqual(['u4', 'u3', 'u2', 'u1'])
      expect(await listAll(owner, { state: 'completed' })).toEqual([])
    })

    it('finds the few of a state among very many of another', async () => {
      const owner = randomUUID()
      await ended(store(), 'completed', { owner, id: 'old', createdAt: NOW - 9 })
      for (let i = 0; i < 1_100; i++) await opened(store(), { owner, id: `${i}` })
      expect(await listAll(owner, { state: 'completed' })).toEqual(['old'])
    })

    it('hides what is being created, what has been forgotten and what is of another owner', async () => {
      const owner = randomUUID()
      await begun(store(), draftOf({ owner }))
      const life = { expiresAt: NOW + 10, keepUntil: NOW + 20 }
      await opened(store(), { owner, id: 'short' }, life)
      await opened(store(), { owner, id: 'long' })
      expect(await listAll(owner, { now: NOW + 19 })).toEqual(['short', 'long'])
      expect(await listAll(owner, { now: NOW + 20 })).toEqual(['long'])
      expect(await listAll(`${owner}2`)).toEqual([])
      expect(await listAll('')).toEqual([])
    })

    it('gives an upload that was begun again once, at its new age', async () => {
      const owner = randomUUID()
      const draft = await ended(store(), 'failed', { owner, id: 'again', createdAt: NOW - 50 })
      await opened(store(), { owner, id: 'other', createdAt: NOW - 20 })
      await begunAndOpened({ ...draft, createdAt: NOW })
      expect(await listAll(owner)).toEqual(['again', 'other'])
    })

    it('still has the living after the ended were purged by new ones', async () => {
      const owner = randomUUID()
      const ends = NOW + 20
      for (let i = 0; i < 5; i++) {
        await opened(store(), { owner, id: `dead${i}` }, { expiresAt: ends, keepUntil: ends })
      }
      await opened(store(), { owner, id: 'alive' })
      for (let i = 0; i < 5; i++) {
        const draft = draftOf({ owner, id: `new${i}`, createdAt: NOW + i + 1 })
        const outcome = await store().begin(draft, { ...LIFE, now: ends, leaseMs: 1 })
        const fence = outcome.kind === 'created' ? outcome.fence : 0
        await store().open(draft, { fence, multipartId: 'm', now: ends })
      }
      const alive = ['new4', 'new3', 'new2', 'new1', 'new0', 'alive']
      expect(await listAll(owner, { now: ends })).toEqual(alive)
      expect(await listAll(owner, { now: ends - 1 })).toEqual(alive)
    })

    it('gives nothing for a cursor that no list gave', async () => {
      const draft = await opened(store())
      for (const cursor of ['AAAA', 'x', '-_-', Buffer.from('1-x').toString('base64url')]) {
        const page = await store().list(draft.owner, { now: NOW, limit: 3, cursor })
        expect(page).toEqual({ uploads: [] })
      }
    })
  })
}
