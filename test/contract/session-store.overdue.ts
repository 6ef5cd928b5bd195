import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SessionStore } from '../../src/coordinator/ports.js'
import {
  begun,
  change,
  claimed,
  draftOf,
  ended,
  LEASE_MS,
  LIFE,
  NOW,
  type OpenedAlone,
  opened,
} from './session-store.fixtures.js'

const { expiresAt: END, keepUntil } = LIFE

/** What is there for all owners, so that each test has data of its own. */
export function overdueContract(open: () => Promise<OpenedAlone>): void {
  describe('what nobody goes on with', () => {
    let alone: OpenedAlone
    beforeEach(async () => {
      alone = await open()
    })
    afterEach(() => alone.close())
    const store = (): SessionStore => alone.store

    async function overdue(now: number, limit = 100): Promise<string[]> {
      return (await store().overdue({ now, limit })).map(({ id }) => id)
    }

    async function unfinished(limit: number): Promise<string[]> {
      const ids = new Set<string>()
      let cursor: string | undefined
      do {
        const page = await store().unfinished({ limit, ...(cursor !== undefined && { cursor }) })
        for (const { id } of page.refs) ids.add(id)
        cursor = page.nextCursor
      } while (cursor !== undefined)
      return [...ids].sort()
    }

    it('is what takes parts, or is being opened, when its time is over', async () => {
      const uploading = await opened(store(), { owner: 'a{}b "\\ 日本' })
      const creating = draftOf()
      await begun(store(), creating, { expiresAt: END + 1, keepUntil })
      expect(await overdue(END - 1)).toEqual([])
      expect(await overdue(END)).toEqual([uploading.id])
      expect(await overdue(END + 1)).toEqual([uploading.id, creating.id])
      expect(await store().overdue({ now: END, limit: 1 })).toEqual([
        { owner: uploading.owner, id: uploading.id },
      ])
    })

    it('is nothing that its creator is still opening', async () => {
      const draft = draftOf()
      await begun(store(), draft, { expiresAt: NOW + 1, keepUntil })
      expect(await overdue(NOW + LEASE_MS - 1)).toEqual([])
      expect(await overdue(NOW + LEASE_MS)).toEqual([draft.id])
    })

    it('is nothing that somebody has gone on with', async () => {
      const [reported, joined] = [await opened(store()), await opened(store())]
      const longer = { expiresAt: END + 10, keepUntil: keepUntil + 10 }
      await store().recordParts(reported, change({ ...longer }))
      await store().begin(joined, { ...longer, now: NOW, leaseMs: LEASE_MS })
      expect(await overdue(END)).toEqual([])
      expect((await overdue(END + 10)).sort()).toEqual([reported.id, joined.id].sort())
    })

    it('is nothing that has ended, is claimed, or is forgotten', async () => {
      for (const state of ['completed', 'failed', 'aborted'] as const) await ended(store(), state)
      await claimed(store(), await opened(store()))
      await claimed(store(), await opened(store()), 'aborting', END)
      await opened(store(), {}, { expiresAt: END, keepUntil: END })
      expect(await overdue(END)).toEqual([])
    })

    it('is an upload again that was claimed and given back', async () => {
      const draft = await opened(store())
      const fence = await claimed(store(), draft)
      expect(await overdue(END)).toEqual([])
      const step = { ...LIFE, from: 'completing', to: 'uploading', fence, now: NOW } as const
      await store().settle(draft, step)
      // A look in between may have put off the next one by a minute.
      expect(await overdue(END + 60_000)).toEqual([draft.id])
    })

    it('is every one of a great many, first what ended first', async () => {
      const ids: string[] = []
      for (let turn = 0; turn < 230; turn++) {
        ids.push((await opened(store(), {}, { expiresAt: NOW + turn + 1, keepUntil })).id)
      }
      expect(await overdue(END, 5)).toEqual(ids.slice(0, 5))
      expect(await overdue(END, 1_000)).toEqual(ids)
    })

    it('is found among all that may have a multipart upload, page by page', async () => {
      const creating = draftOf()
      await begun(store(), creating)
      const drafts = [creating]
      for (let turn = 0; turn < 30; turn++) drafts.push(await opened(store()))
      const [, completing, aborting] = drafts
      if (completing !== undefined) await claimed(store(), completing)
      if (aborting !== undefined) await claimed(store(), aborting, 'aborting')
      const known = drafts.map(({ id }) => id).sort()
      expect(await unfinished(7)).toEqual(known)
      expect(await unfinished(1_000)).toEqual(known)
    })

    it('is forgotten after its record has ended, and nothing else is', async () => {
      const draft = await opened(store())
      const other = await opened(store(), {}, { expiresAt: END, keepUntil: keepUntil + 1 })
      expect(await store().purge({ now: keepUntil - 1, limit: 10 })).toBe(0)
      expect(await store().purge({ now: keepUntil, limit: 10 })).toBeLessThanOrEqual(1)
      expect(await store().purge({ now: keepUntil, limit: 10 })).toBe(0)
      expect(await store().find(draft, keepUntil)).toBeUndefined()
      expect(await store().find(other, keepUntil)).toBeDefined()
    })
  })
}
