import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  DeadEvent,
  EventRef,
  Outbox,
  OutboxEvent,
  SessionStore,
} from '../../src/coordinator/ports.js'
import type { UploadDraft } from '../../src/coordinator/session.js'
import { claimed, HOUR_MS, LEASE_MS, LIFE, NOW, OBJECT, opened } from './session-store.fixtures.js'

export interface OpenedOutbox {
  readonly store: SessionStore & { readonly outbox: Outbox }
  /** Another instance, as another process would have it, on the same data. */
  another(): Promise<SessionStore & { readonly outbox: Outbox }>
  close(): Promise<void>
}

export const KEEP_UNTIL = NOW + 24 * HOUR_MS

export const aTarget = () => `to-${randomUUID()}`

export function eventOf(
  { owner, id }: UploadDraft,
  changes: Partial<OutboxEvent> = {},
): OutboxEvent {
  return {
    owner,
    id: `msg_${randomUUID()}`,
    target: aTarget(),
    type: 'upload.completed',
    createdAt: NOW,
    payload: JSON.stringify({ id, text: 'a/b "c" \\ {d} é 🙂 \u0000 \ud800' }),
    keepUntil: KEEP_UNTIL,
    ...changes,
  }
}

export const refOf = ({ owner, id, target }: EventRef): EventRef => ({ owner, id, target })

/** Completes an upload of its own, in a step that writes the event. */
export async function told(
  store: SessionStore,
  changes: Partial<OutboxEvent> = {},
): Promise<OutboxEvent> {
  const draft = await opened(store, {
    ...(changes.owner !== undefined && { owner: changes.owner }),
  })
  const event = eventOf(draft, changes)
  await complete(store, draft, { events: [event] })
  return event
}

export async function complete(
  store: SessionStore,
  draft: UploadDraft,
  changes: { readonly events?: readonly OutboxEvent[]; readonly fence?: number },
): Promise<boolean> {
  const fence = await claimed(store, draft)
  const step = { ...LIFE, from: 'completing', to: 'completed', now: NOW, object: OBJECT } as const
  return store.settle(draft, { fence, ...step, ...changes })
}

const LEASE = { now: NOW, leaseMs: LEASE_MS }
const LATER = NOW + LEASE_MS

/** Everything that an `Outbox` promises. */
export function outboxContract(name: string, open: () => Promise<OpenedOutbox>): void {
  describe(`Outbox: ${name}`, () => {
    let given: OpenedOutbox
    let store: OpenedOutbox['store']
    let outbox: Outbox
    beforeAll(async () => {
      given = await open()
      store = given.store
      outbox = store.outbox
    })
    afterAll(() => given.close())

    const due = (target: string, now = NOW, limit = 9) => outbox.due({ target, now, limit })

    async function taken(event: EventRef, now = NOW) {
      const claim = await outbox.claim(event, { now, leaseMs: LEASE_MS })
      if (claim === undefined) throw new Error('The event was not claimed')
      return claim
    }

    async function died(changes: Partial<OutboxEvent> = {}): Promise<OutboxEvent> {
      const event = await told(store, changes)
      const { fence } = await taken(event)
      const step = { fence, now: NOW, to: 'dead', keepUntil: KEEP_UNTIL, reason: 'HTTP 500' }
      await outbox.end(event, step as Parameters<Outbox['end']>[1])
      return event
    }

    async function allDead(limit = 100, now = NOW): Promise<DeadEvent[]> {
      const found: DeadEvent[] = []
      for (let cursor: string | undefined = ''; cursor !== undefined; ) {
        const page = await outbox.dead({ now, limit, ...(cursor !== '' && { cursor }) })
        found.push(...page.events)
        cursor = page.nextCursor
      }
      return found
    }

    it('has the events of a step that was taken, each for its receiver alone', async () => {
      const draft = await opened(store)
      const one = eventOf(draft)
      const other = eventOf(draft, { id: one.id, type: 'upload.verified' })
      expect(await complete(store, draft, { events: [one, other] })).toBe(true)
      expect(await due(one.target)).toEqual([refOf(one)])
      expect(await due(other.target)).toEqual([refOf(other)])
      expect(await outbox.claim(one, LEASE)).toEqual({ event: one, fence: 1, attempts: 1 })
      expect(await outbox.claim(other, LEASE)).toEqual({ event: other, fence: 1, attempts: 1 })
    })

    it('has nothing of a step that was refused', async () => {
      const draft = await opened(store)
      const event = eventOf(draft)
      expect(await complete(store, draft, { fence: 1, events: [event] })).toBe(false)
      expect(await due(event.target)).toEqual([])
      expect(await outbox.claim(event, LEASE)).toBeUndefined()
      // Nor of a second one, which comes too late.
      const fence = await claimed(store, draft, 'completing', LATER)
      const step = { ...LIFE, from: 'completing', fence, now: LATER } as const
      expect(await store.settle(draft, { ...step, to: 'failed' })).toBe(true)
      const again = { ...step, to: 'failed', events: [event] } as const
      expect(await store.settle(draft, again)).toBe(false)
      expect(await outbox.claim(event, LEASE)).toBeUndefined()
    })

    it('gives an event to one of many who claim it at once', async () => {
      const event = await told(store)
      const another = await given.another()
      const claims = [outbox, another.outbox, outbox, another.outbox].map((one) =>
        one.claim(event, LEASE),
      )
      const granted = (await Promise.all(claims)).filter((claim) => claim !== undefined)
      await another.close()
      expect(granted).toHaveLength(1)
    })

    it('gives it to another when the lease has ended, whose word then counts alone', async () => {
      const event = await told(store)
      const first = await taken(event)
      expect(await due(event.target, LATER - 1)).toEqual([])
      expect(await outbox.claim(event, { ...LEASE, now: LATER - 1 })).toBeUndefined()
      expect(await due(event.target, LATER)).toEqual([refOf(event)])
      const second = await taken(event, LATER)
      expect(second.attempts).toBe(2)
      expect(second.fence).toBeGreaterThan(first.fence)
      const late = { fence: first.fence, now: LATER, to: 'delivered' } as const
      expect(await outbox.end(event, late)).toBe(false)
      expect(await outbox.end(event, { ...late, fence: second.fence })).toBe(true)
    })

    it('believes a holder that is late as long as nobody else has claimed it', async () => {
      const event = await told(store)
      const { fence } = await taken(event)
      expect(await outbox.end(event, { fence, now: LATER + 1, to: 'delivered' })).toBe(true)
      expect(await due(event.target, LATER + 1)).toEqual([])
    })

    it('forgets what was delivered', async () => {
      const event = await told(store)
      const { fence } = await taken(event)
      const step = { fence, now: NOW, to: 'delivered' } as const
      expect(await outbox.end(event, step)).toBe(true)
      expect(await outbox.end(event, step)).toBe(false)
      expect(await due(event.target, LATER)).toEqual([])
      expect(await outbox.claim(event, { ...LEASE, now: LATER })).toBeUndefined()
    })

    it('gives again at its time what could not be delivered', async () => {
      const event = await told(store)
      const { fence } = await taken(event)
      const dueAt = NOW + 5_000
      const step = { fence, now: NOW, to: 'waiting', dueAt, attempts: 7, reason: 'x' } as const
      expect(await outbox.end(event, step)).toBe(true)
      expect(await due(event.target, dueAt - 1)).toEqual([])
      expect(await due(event.target, dueAt)).toEqual([refOf(event)])
      expect(await taken(event, dueAt)).toMatchObject({ event, attempts: 8 })
    })

    it('lists what is dead, and lets it be tried again', async () => {
      const event = await died()
      expect(await due(event.target, LATER)).toEqual([])
      const dead = (await allDead()).find(({ id }) => id === event.id)
      expect(dead).toEqual({ ...event, attempts: 1, reason: 'HTTP 500' })
      const keepUntil = KEEP_UNTIL + HOUR_MS
      expect(await outbox.revive(event, { now: LATER, keepUntil })).toBe(true)
      expect(await outbox.revive(event, { now: LATER, keepUntil })).toBe(false)
      expect((await allDead()).filter(({ id }) => id === event.id)).toEqual([])
      expect(await due(event.target, LATER)).toEqual([refOf(event)])
      expect(await taken(event, LATER)).toMatchObject({
        event: { ...event, keepUntil },
        attempts: 1,
      })
    })

    it('revives nothing that is not dead', async () => {
      const event = await told(store)
      const step = { now: NOW, keepUntil: KEEP_UNTIL }
      expect(await outbox.revive(event, step)).toBe(false)
      expect(await outbox.revive({ ...event, id: 'msg_none' }, step)).toBe(false)
    })

    it('gives the dead page by page', async () => {
      const ids = new Set<string>()
      for (let i = 0; i < 7; i++) ids.add((await died()).id)
      const found = new Set((await allDead(2)).map(({ id }) => id))
      expect([...ids].filter((id) => !found.has(id))).toEqual([])
    })

    it('gives what waits longest first, and no more than was asked for', async () => {
      const target = aTarget()
      const ids: string[] = []
      for (const age of [3, 1, 2]) {
        const event = await told(store, { target, createdAt: NOW - age })
        ids[3 - age] = event.id
      }
      expect((await due(target)).map(({ id }) => id)).toEqual(ids)
      expect((await due(target, NOW, 2)).map(({ id }) => id)).toEqual(ids.slice(0, 2))
    })

    it('counts what waits for whom, and what is dead', async () => {
      const target = aTarget()
      const before = await outbox.size([target])
      expect(before.waiting).toBe(0)
      await told(store, { target })
      await told(store, { target })
      await died({ target })
      const after = await outbox.size([target, aTarget()])
      expect(after).toEqual({ waiting: 2, dead: before.dead + 1 })
    })

    it('forgets what has outlived its time, dead or alive', async () => {
      const keepUntil = NOW + 1_000
      const target = aTarget()
      const waiting = await told(store, { target, keepUntil })
      const dead = await told(store, { target })
      const { fence } = await taken(dead)
      await outbox.end(dead, { fence, now: NOW, to: 'dead', keepUntil, reason: '' })
      expect(await due(target, keepUntil)).toEqual([])
      expect(await outbox.claim(waiting, { now: keepUntil, leaseMs: 1 })).toBeUndefined()
      const ids = (await allDead(100, keepUntil)).map(({ id }) => id)
      expect(ids).not.toContain(dead.id)
      const revival = { now: keepUntil, keepUntil: KEEP_UNTIL }
      expect(await outbox.revive(dead, revival)).toBe(false)
      await outbox.mend(keepUntil)
      expect((await allDead()).map(({ id }) => id)).not.toContain(dead.id)
      expect(await outbox.claim(waiting, LEASE)).toBeUndefined()
    })

    it('loses nothing by being mended', async () => {
      const event = await told(store)
      const dead = await died()
      await outbox.mend(NOW)
      expect(await due(event.target)).toEqual([refOf(event)])
      expect((await allDead()).map(({ id }) => id)).toContain(dead.id)
    })

    it('keeps an event for longer than the record of its upload', async () => {
      const end = NOW + 1_000
      const draft = await opened(store)
      const event = eventOf(draft)
      const fence = await claimed(store, draft)
      const step = { from: 'completing', to: 'failed', fence, now: NOW } as const
      await store.settle(draft, { ...step, expiresAt: end, keepUntil: end, events: [event] })
      // A later step of the owner that writes none must not shorten it either.
      await complete(store, await opened(store, { owner: draft.owner }), {})
      await store.purge({ now: end, limit: 100 })
      expect(await store.find(draft, end)).toBeUndefined()
      expect(await taken(event, KEEP_UNTIL - 1)).toMatchObject({ event })
    })
  })
}
