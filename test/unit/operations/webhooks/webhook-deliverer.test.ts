import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type {
  DeadEvent,
  Outbox,
  OutboxEvent,
  OutboxSize,
} from '../../../../src/coordinator/ports.js'
import {
  type Attempt,
  BackgroundWork,
  createOutbound,
  InProcessQueue,
  WebhookDeliverer,
  type WebhookDelivererOptions,
  WebhookDelivery,
} from '../../../../src/operations/index.js'
import {
  openSqliteSessionStore,
  type SqliteSessionStore,
} from '../../../../src/sessions/sqlite/index.js'
import { told } from '../../../contract/outbox.contract.js'
import { Signal } from '../../../helpers/signal.js'
import { TestClock } from '../../../helpers/test-clock.js'
import { WebhookReceiver } from '../../../helpers/webhook-receiver.js'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const NEW_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`

/** The same, as an object whose methods can be replaced. */
function bound(outbox: Outbox): Outbox {
  return {
    due: (query) => outbox.due(query),
    claim: (ref, step) => outbox.claim(ref, step),
    end: (ref, step) => outbox.end(ref, step),
    dead: (query) => outbox.dead(query),
    revive: (ref, step) => outbox.revive(ref, step),
    size: (targets) => outbox.size(targets),
    mend: (now) => outbox.mend(now),
  }
}

describe('an event', () => {
  let store: SqliteSessionStore
  let clock: TestClock
  let receiver: WebhookReceiver
  let url: string
  const attempts: Attempt[] = []

  beforeEach(async () => {
    store = openSqliteSessionStore(':memory:')
    clock = new TestClock()
    receiver = new WebhookReceiver()
    url = await receiver.start()
    attempts.length = 0
  })
  afterEach(async () => {
    receiver.stop()
    await store.close()
  })

  function options(timeoutMs = 10_000) {
    return {
      outbox: store.outbox,
      endpoints: [{ target: '1', url, secrets: [SECRET, NEW_SECRET] }],
      outbound: createOutbound({ clock, allowPrivate: true, timeoutMs }),
      clock,
      random: () => 0.5,
      onAttempt: (_: OutboxEvent, attempt: Attempt) => attempts.push(attempt),
    }
  }
  const delivery = (timeoutMs?: number) => new WebhookDelivery(options(timeoutMs))
  const running = new AbortController().signal
  const event = (changes: Partial<OutboxEvent> = {}) => told(store, { target: '1', ...changes })
  const dead = async (): Promise<readonly DeadEvent[]> =>
    (await store.outbox.dead({ now: clock.now(), limit: 100 })).events

  it('is sent as it was written, with a signature by each secret', async () => {
    const one = await event({ payload: '{"type":"upload.completed","é":"\\ud83d"}' })
    await delivery().deliver(one, running)
    const [{ headers = {}, body } = { body: '' }] = receiver.received
    expect(body).toBe(one.payload)
    expect(headers['content-type']).toBe('application/json')
    expect(headers['webhook-id']).toBe(one.id)
    for (const secret of [SECRET, NEW_SECRET]) {
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(one.payload))
    }
    expect(attempts).toEqual([{ result: 'delivered' }])
    expect(await store.outbox.size(['1'])).toEqual({ waiting: 0, dead: 0 })
  })

  it('is sent once though it is asked for again', async () => {
    const one = await event()
    const both = [delivery(), delivery()]
    await Promise.all(both.map((each) => each.deliver(one, running)))
    await delivery().deliver(one, running)
    expect(receiver.ids).toEqual([one.id])
  })

  it.each([
    [500, 'HTTP 500'],
    [404, 'HTTP 404'],
    [302, 'HTTP 302'],
  ])(
    'that is answered %i comes again with the same id, and is signed anew',
    async (status, reason) => {
      receiver.answer = () => ({ status, headers: { location: '/elsewhere' } })
      const one = await event()
      await delivery().deliver(one, running)
      expect(attempts).toMatchObject([{ result: 'failed', reason }])
      await delivery().deliver(one, running)
      expect(receiver.received).toHaveLength(1)
      receiver.answer = () => ({ status: 200 })
      clock.advance(5_000)
      await delivery().deliver(one, running)
      expect(receiver.ids).toEqual([one.id, one.id])
      const [first, second] = receiver.received.map(({ headers }) => headers['webhook-timestamp'])
      expect(Number(second)).toBeGreaterThanOrEqual(Number(first) + 5)
      expect(attempts.at(-1)).toEqual({ result: 'delivered' })
    },
  )

  it('comes again when nobody listens, and when no answer comes in time', async () => {
    const never = new Signal()
    receiver.answer = async () => {
      await never.given
      return { status: 204 }
    }
    const one = await event()
    await delivery(50).deliver(one, running)
    receiver.stop()
    clock.advance(5_000)
    await delivery().deliver(one, running)
    never.give()
    expect(attempts).toMatchObject([
      { result: 'failed', reason: 'no answer in time' },
      { result: 'failed', reason: 'connection: ECONNREFUSED' },
    ])
  })

  it('comes again when the receiver says', async () => {
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': '7200' } })
    const one = await event()
    await delivery().deliver(one, running)
    const [attempt] = attempts
    const wait = attempt?.result === 'failed' ? attempt.dueAt - clock.now() : 0
    expect(Math.abs(wait - 7_200_000)).toBeLessThan(60_000)
  })

  it('is dead after ten attempts over three days, and delivered when somebody asks for it', async () => {
    receiver.answer = () => ({ status: 500 })
    const one = await event({ keepUntil: clock.now() + 90 * 24 * 3_600_000 })
    for (let hours = 0; hours < 5 * 24 && (await dead()).length === 0; hours++) {
      await delivery().deliver(one, running)
      clock.advance(3_600_000)
    }
    expect(receiver.received).toHaveLength(10)
    expect(await dead()).toMatchObject([{ id: one.id, attempts: 10, reason: 'HTTP 500' }])
    receiver.answer = () => ({ status: 200 })
    const now = clock.now()
    expect(await store.outbox.revive(one, { now, keepUntil: now + 1_000_000 })).toBe(true)
    await delivery().deliver(one, running)
    expect(attempts.at(-1)).toEqual({ result: 'delivered' })
    expect(await dead()).toEqual([])
  })

  it('is dead at once when the receiver is gone for good', async () => {
    receiver.answer = () => ({ status: 410 })
    await delivery().deliver(await event(), running)
    expect(attempts).toEqual([{ result: 'dead', reason: 'HTTP 410' }])
    expect(await dead()).toHaveLength(1)
  })

  it('goes to no address that nothing is sent to, and says so to nobody but the operator', async () => {
    const outbound = createOutbound({ clock, allowPrivate: false })
    const guarded = new WebhookDelivery({ ...options(), outbound })
    const one = await event()
    await guarded.deliver(one, running)
    expect(receiver.received).toEqual([])
    expect(attempts).toMatchObject([{ result: 'failed', reason: /^not sent: / }])
    for (const attempt of attempts) expect(JSON.stringify(attempt)).not.toContain('127.0.0.1')
  })

  it('whose process dies while it is sent is delivered by another one later', async () => {
    const one = await event()
    // Who has claimed it, and is killed then, says nothing any more.
    expect(await store.outbox.claim(one, { now: clock.now(), leaseMs: 60_000 })).toBeDefined()
    await delivery().deliver(one, running)
    expect(receiver.received).toEqual([])
    clock.advance(60_000)
    expect(await delivery().due('1', 9)).toHaveLength(1)
    await delivery().deliver(one, running)
    expect(receiver.ids).toEqual([one.id])
  })

  it('of a receiver that is not known here is left to others', async () => {
    const one = await event({ target: '2' })
    await delivery().deliver(one, running)
    expect(receiver.received).toEqual([])
    expect(await store.outbox.size(['2'])).toEqual({ waiting: 1, dead: 0 })
  })

  it('is not put into the queue while its receiver has all that it may have', async () => {
    const never = new Signal()
    receiver.answer = async () => {
      await never.given
      return { status: 204 }
    }
    const endpoints = ['1', '2'].map((target) => ({ target, url, secrets: [SECRET] }))
    const quiet = { onOutboxFault: () => {} }
    const webhooks = new WebhookDeliverer({ ...options(), ...quiet, endpoints, atOnce: 4 })
    const wanted = () => ['1', '2', '3'].map((target) => webhooks.isWanted({ ...one, target }))
    const one = await event()
    const two = await event()
    const under = [webhooks.handler.run({ ...one, kind: 'deliver' }, running)]
    expect(wanted()).toEqual([true, true, false])
    under.push(webhooks.handler.run({ ...two, kind: 'deliver' }, running))
    expect(wanted()).toEqual([false, true, false])
    never.give()
    await Promise.all(under)
    expect(wanted()).toEqual([true, true, false])
  })

  describe('while servers are at work', () => {
    const works: BackgroundWork[] = []
    const faults: unknown[] = []
    function start(
      changes: Partial<WebhookDelivererOptions & { sweepMs: number }> = {},
    ): BackgroundWork {
      const onFault = (fault: unknown) => faults.push(fault)
      const webhooks = new WebhookDeliverer({
        ...options(60_000),
        onOutboxFault: onFault,
        ...changes,
      })
      const work = new BackgroundWork({
        partway: {
          due: async () => [],
          resume: async () => {},
          cleanUp: async () => ({ expired: 0, kept: 0, failed: 0, forgotten: 0 }),
        },
        queue: new InProcessQueue({ onJobFault: (_, fault) => onFault(fault) }),
        webhooks,
        sweepMs: changes.sweepMs ?? 20,
        onClean: () => {},
        onCleanFault: (_, fault) => onFault(fault),
        onQueueFault: onFault,
      })
      works.push(work)
      work.start()
      return work
    }
    afterEach(async () => {
      for (const work of works.splice(0)) await work.stop()
      expect(faults.splice(0)).toEqual([])
    })
    const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000 })

    it('is found by itself, and every one is delivered, by whichever of several', async () => {
      const events: OutboxEvent[] = []
      for (let i = 0; i < 40; i++) events.push(await event())
      start()
      start()
      for (let i = 0; i < 40; i++) events.push(await event())
      const ids = events.map(({ id }) => id).sort()
      await eventually(() => expect([...receiver.ids].sort()).toEqual(ids))
    })

    it('is sent at once when it is announced', async () => {
      const polled = new Signal()
      const work = start({ sweepMs: 3_600_000, onSize: () => polled.give() })
      await polled.given
      const one = await event()
      work.announceEvent(one)
      await eventually(() => expect(receiver.ids).toEqual([one.id]))
    })

    it('waits for no other receiver', async () => {
      const never = new Signal()
      receiver.answer = async () => {
        await never.given
        return { status: 204 }
      }
      const quick = new WebhookReceiver()
      const quickUrl = await quick.start()
      const secrets = [SECRET]
      const endpoints = [
        { target: '1', url, secrets },
        { target: '2', url: quickUrl, secrets },
      ]
      for (let i = 0; i < 20; i++) await event()
      start({ endpoints })
      await eventually(() => expect(receiver.received).toHaveLength(8))
      const one = await event({ target: '2' })
      await eventually(() => expect(quick.ids).toEqual([one.id]))
      expect(receiver.received).toHaveLength(8)
      never.give()
      quick.stop()
    })

    it('that is broken off at the stop is due at once, and was no attempt', async () => {
      const asked = new Signal()
      const never = new Signal()
      receiver.answer = async () => {
        asked.give()
        await never.given
        return { status: 204 }
      }
      const one = await event()
      const work = start()
      await asked.given
      await work.stop()
      const claim = await store.outbox.claim(one, { now: clock.now(), leaseMs: 1 })
      expect(claim).toMatchObject({ attempts: 1 })
      never.give()
    })

    it('waits for an outbox that is away, which is told once', async () => {
      const one = await event()
      let asked = 0
      const due = async (query: Parameters<typeof store.outbox.due>[0]) => {
        asked += 1
        if (asked <= 3) throw new Error('away')
        return store.outbox.due(query)
      }
      const outbox = { ...bound(store.outbox), due }
      start({ outbox })
      await eventually(() => expect(receiver.ids).toEqual([one.id]))
      expect(faults.splice(0)).toEqual([new Error('away')])
    })

    it('is counted', async () => {
      const sizes: OutboxSize[] = []
      await event({ createdAt: clock.now() + 3_600_000 })
      start({ onSize: (size) => sizes.push(size) })
      await eventually(() => expect(sizes).toEqual([{ waiting: 1, dead: 0 }]))
    })

    it('is not lost where the outbox has to be mended first', async () => {
      let mended = 0
      const mend = async () => {
        mended += 1
        if (mended === 1) throw new Error('away')
      }
      const outbox = { ...bound(store.outbox), mend }
      start({ outbox, mendMs: 3_600_000 })
      await eventually(() => expect(faults).toHaveLength(1))
      expect(String(faults.splice(0))).toContain('away')
      clock.advance(60_000)
      await eventually(() => expect(mended).toBe(2))
      clock.advance(3_600_000)
      await eventually(() => expect(mended).toBe(3))
    })
  })
})
