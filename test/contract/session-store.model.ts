import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SessionStore } from '../../src/coordinator/ports.js'
import { isArrived } from '../../src/coordinator/session.js'
import { draftOf, NOW, sum, tag } from './session-store.fixtures.js'
import { ModelStore } from './session-store.reference.js'

/**
 * Random sequences of steps on a few uploads, taken by the store and by a reference model in memory. After
 * each, both have answered the same and hold the same. Fences and revisions are the store's own,
 * so each side is given its own, by the number of the claim that they come from.
 */

const GOOD = [sum('a'), sum('b')]
const ETAGS = [tag('a'), tag('b'), 'odd', 'odder']

const id = fc.constantFrom('one', 'two')
const index = fc.constantFrom(1, 2, 3, 4, 9, 10, 11)
/** A malformed one now and then: it hides what the rest of its report would do. */
const checksum = fc.constantFrom(...GOOD, ...GOOD, ...GOOD, 'malformed')
const etag = fc.constantFrom(...ETAGS)
const life = fc.integer({ min: 1, max: 60 })
const nth = fc.integer({ min: 0, max: 2 })
const work = fc.constantFrom('completing' as const, 'verifying' as const, 'aborting' as const)
const content = fc.constantFrom('red', 'blue')

/** Near what two uploads of 80 bytes take, so that there is room as often as there is none. */
const limits = fc.option(
  fc.record(
    {
      maxOpenUploads: fc.integer({ min: 0, max: 2 }),
      maxReservedBytes: fc.constantFrom(79, 80, 160),
      maxStoredBytes: fc.constantFrom(80, 159, 160),
      maxUploadsPerDay: fc.integer({ min: 1, max: 6 }),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
)
const signing = fc.option(
  fc.record({ urls: fc.nat(12), perPart: fc.constant(1), spare: fc.nat(9) }),
  { nil: undefined },
)

const signed = fc.array(fc.record({ index, checksum }), {
  maxLength: 3,
})
const arrivedPart = fc.record({ index, etag, checksum }, { requiredKeys: ['index', 'etag'] })
const arrived = fc.array(arrivedPart.map(defined), { maxLength: 4 })
const listed = fc.uniqueArray(
  fc.record(
    {
      index: fc.integer({ min: 1, max: 10 }),
      etag,
      checksum: fc.constantFrom(...GOOD),
    },
    { requiredKeys: ['index'] },
  ),
  { selector: (part) => part.index, maxLength: 4 },
)

const step = fc.oneof(
  fc.record({
    do: fc.constant('begin' as const),
    id,
    life,
    supersedes: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    content,
    limits,
    signing,
  }),
  fc.record({ do: fc.constant('open' as const), id, nth }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      id,
      life,
      signed,
      arrived,
      signing,
    }),
  },
  fc.record({
    do: fc.constant('replace' as const),
    id,
    parts: listed.map((parts) => parts.map(defined)),
    isStale: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('claim' as const),
    id,
    to: work,
    hash: fc.option(fc.constantFrom('aa', 'bb'), { nil: undefined }),
    lease: fc.constantFrom(0, 10, 10, 10),
    max: fc.constantFrom(undefined, undefined, 79, 80),
  }),
  fc.record({
    do: fc.constant('extend' as const),
    id,
    nth,
    state: fc.oneof(work, fc.constant('creating' as const)),
    lease: fc.integer({ min: 0, max: 20 }),
  }),
  fc.record({
    do: fc.constant('settle' as const),
    id,
    nth,
    life,
    from: fc.oneof({ weight: 5, arbitrary: work }, fc.constant('creating' as const)),
    contents: fc.uniqueArray(content),
    to: fc.constantFrom(
      'uploading' as const,
      'verifying' as const,
      'completed' as const,
      'completed' as const,
      'failed' as const,
      'aborted' as const,
    ),
  }),
  fc.record({
    do: fc.constant('wait' as const),
    minutes: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 1, max: 30 }) },
      { weight: 1, arbitrary: fc.integer({ min: 300, max: 1_500 }) },
    ),
  }),
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const MINUTE_MS = 60_000
const LEASE_MS = 10 * MINUTE_MS

/** One side of the comparison: a store, with the fences that it gave, latest first. */
class Side {
  readonly store: SessionStore
  readonly #owner: string
  readonly #fences = new Map<string, number[]>()

  constructor(store: SessionStore, owner: string) {
    this.store = store
    this.#owner = owner
  }

  async take(step: Exclude<Step, { do: 'wait' }>, now: number): Promise<unknown> {
    const ref = { owner: this.#owner, id: step.id }
    switch (step.do) {
      case 'begin': {
        const supersedes = step.supersedes === undefined ? {} : { supersedes: step.supersedes }
        const draft = draftOf({ ...ref, key: step.id })
        const { content, limits, signing } = step
        const begin = {
          ...lifetime(now, step.life),
          now,
          leaseMs: LEASE_MS,
          content,
          ...supersedes,
          ...(limits && { limits: defined(limits) }),
          ...(signing && { signing }),
        }
        return this.#comparable(step.id, await this.store.begin(draft, begin))
      }
      case 'open':
        return this.store.open(ref, { fence: this.#fence(step), multipartId: 'm', now })
      case 'record': {
        const { signed, arrived, signing } = step
        const life = lifetime(now, step.life)
        const change = { ...life, now, signed, arrived, ...(signing && { signing }) }
        return this.#comparable(step.id, await this.store.recordParts(ref, change))
      }
      case 'replace': {
        const session = await this.store.find(ref, now)
        const { revision = 0 } = session ?? {}
        // A record that is past its time may be there still, or be purged: of no epoch is it either.
        const epoch = session?.upload.epoch ?? 0
        const seen = step.isStale ? revision - 1 : revision
        return this.store.replaceParts(ref, { epoch, revision: seen, parts: step.parts })
      }
      case 'claim': {
        const hash = step.hash === undefined ? {} : { expectedHash: step.hash }
        const max = step.max === undefined ? {} : { maxStoredBytes: step.max }
        const leaseMs = step.lease * MINUTE_MS
        const claim = { to: step.to, now, leaseMs, ...hash, ...max }
        return this.#comparable(step.id, await this.store.claim(ref, claim))
      }
      case 'extend': {
        const { state, lease } = step
        const extend = { state, fence: this.#fence(step), now, leaseMs: lease * MINUTE_MS }
        return this.store.extend(ref, extend)
      }
      case 'settle': {
        const { from, contents } = step
        // From there it goes to an object that was found, or nowhere.
        const to = from === 'creating' && step.to !== 'verifying' ? 'completed' : step.to
        const life = lifetime(now, step.life)
        const settle = { ...life, from, to, fence: this.#fence(step), now, contents }
        return this.store.settle(ref, settle)
      }
    }
  }

  async holds(now: number): Promise<unknown> {
    const sessions = []
    for (const name of ['one', 'two']) {
      const session = await this.store.find({ owner: this.#owner, id: name }, now)
      sessions.push(session && { upload: session.upload, parts: session.parts })
    }
    const usage = await this.store.usage(this.#owner, now)
    return { sessions, usage, page: await this.store.list(this.#owner, { now, limit: 10 }) }
  }

  /** The owner's among what is due, which others share. */
  async isDue(now: number): Promise<string[]> {
    const due = await this.store.due({ now, limit: 10_000 })
    return due.flatMap(({ owner, id: name }) => (owner === this.#owner ? [name] : [])).sort()
  }

  #fence({ id: name, nth: position }: { readonly id: string; readonly nth: number }): number {
    return this.#fences.get(name)?.[position] ?? 0
  }

  /** Remembers the fence, and leaves out what each side has of its own. */
  #comparable(name: string, outcome: object): unknown {
    const { fence, session, ...rest } = { fence: undefined, session: undefined, ...outcome } as {
      readonly fence?: number | undefined
      readonly session?: { readonly upload: unknown; readonly parts: unknown } | undefined
    }
    if (fence !== undefined) {
      this.#fences.set(name, [fence, ...(this.#fences.get(name) ?? [])])
    }
    return { ...rest, session: session && { upload: session.upload, parts: session.parts } }
  }
}

export function modelContract(store: () => SessionStore): void {
  describe('random steps', () => {
    it('answers and holds the same as a reference model', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
          const owner = randomUUID()
          const real = new Side(store(), owner)
          const model = new Side(new ModelStore(), owner)
          let now = NOW
          for (const next of steps) {
            if (next.do === 'wait') now += next.minutes * MINUTE_MS
            else expect(await real.take(next, now)).toEqual(await model.take(next, now))
            expect(await real.holds(now)).toEqual(await model.holds(now))
          }
          // Each claim that is refused may put off by a millisecond when an upload is due.
          const soon = now + MINUTE_MS / 2
          expect(await real.isDue(soon)).toEqual(await model.isDue(soon))
        }),
        { numRuns: 150, interruptAfterTimeLimit: 20_000 },
      )
    })

    it('counts as arrived exactly the parts that find shows with an ETag', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(signed, arrived), { maxLength: 12 }),
          async (reports) => {
            const draft = draftOf()
            const life = lifetime(NOW, 60)
            const begun = await store().begin(draft, { ...life, now: NOW, leaseMs: 1 })
            const fence = begun.kind === 'created' ? begun.fence : 0
            await store().open(draft, { fence, multipartId: 'm', now: NOW })
            for (const [sign, report] of reports) {
              const change = { ...life, now: NOW, signed: sign, arrived: report }
              const outcome = await store().recordParts(draft, change)
              const parts = (await store().find(draft, NOW))?.parts ?? []
              const count = parts.filter(isArrived).length
              if (outcome.kind === 'recorded') expect(outcome.arrivedCount).toBe(count)
            }
          },
        ),
        { numRuns: 50 },
      )
    })
  })
}

function lifetime(now: number, minutes: number) {
  return { expiresAt: now + minutes * MINUTE_MS, keepUntil: now + 2 * minutes * MINUTE_MS }
}

/** The same without the keys that are `undefined`. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
