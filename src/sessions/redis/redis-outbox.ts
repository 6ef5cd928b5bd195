import type { Cluster, Redis } from 'ioredis'
import type {
  ClaimEvent,
  ClaimedEvent,
  DeadEvent,
  DeadPage,
  DeadQuery,
  DueEvents,
  EndEvent,
  EventRef,
  Outbox,
  OutboxEvent,
  OutboxSize,
  ReviveEvent,
} from '../../coordinator/ports.js'
import { type Hint, lookThrough, pairsOf } from './hints.js'
import { outboxDeadKey, outboxDueKey, ownerOfOutbox, uploadKeys } from './keys.js'
import { keysLike } from './keys-like.js'
import { numberAt, type Reply, type RunScript, textAt } from './scripts.js'
import {
  type Delivery,
  decodeDelivery,
  decodeEvent,
  memberOf,
  nameOf,
  refOfMember,
  refOfName,
} from './told-events.js'

export interface RedisOutboxOptions {
  readonly redis: Redis | Cluster
  readonly run: RunScript
  readonly keyPrefix: string
  /** How much longer than the events their keys live, in ms. */
  readonly marginMs: number
}

/** Asked for at once of what is dead. */
const BATCH = 100
/** How long a hint that leads to nothing stays, in ms: it is written before what it is for. */
const GRACE_MS = 60_000

interface DueEvent {
  readonly ref: EventRef
  readonly since: number
}

/**
 * The outbox in Redis. The events of an owner are in one hash, in the slot of that owner's uploads, so `settle` writes
 * them in its own script. Which events there are at all is noted in hints, in slots of their own: a hint is
 * written before its event, so an event is without one only where Redis has lost it, and `mend` puts it back.
 */
export class RedisOutbox implements Outbox {
  readonly #redis: Redis | Cluster
  readonly #run: RunScript
  readonly #keyPrefix: string
  readonly #marginMs: number

  constructor({ redis, run, keyPrefix, marginMs }: RedisOutboxOptions) {
    this.#redis = redis
    this.#run = run
    this.#keyPrefix = keyPrefix
    this.#marginMs = marginMs
  }

  /** Before these events are written. */
  async expect(events: readonly OutboxEvent[]): Promise<void> {
    await Promise.all(events.map((event) => this.#hint(event, event.createdAt)))
  }

  async due({ target, now, limit }: DueEvents): Promise<readonly EventRef[]> {
    const key = outboxDueKey(this.#keyPrefix, target)
    const look = (hint: Hint) => this.#lookAt(key, hint, now)
    const found = await lookThrough(this.#redis, key, { now, limit, look })
    return found.map(({ ref }) => ref)
  }

  async claim(ref: EventRef, { now, leaseMs }: ClaimEvent): Promise<ClaimedEvent | undefined> {
    const reply = await this.#script('takeevent', ref, [now, leaseMs])
    if (textAt(reply, 0) !== 'taken') return undefined
    const delivery = decodeDelivery(textAt(reply, 2))
    const { fence, attempts } = delivery
    return { event: decodeEvent(plain(ref), textAt(reply, 1), delivery), fence, attempts }
  }

  async end(ref: EventRef, step: EndEvent): Promise<boolean> {
    const { to, fence } = step
    const rest =
      to === 'waiting'
        ? [step.dueAt, step.attempts ?? '', '', step.reason]
        : to === 'dead'
          ? ['', '', step.keepUntil, step.reason]
          : ['', '', '', '']
    if (to === 'dead') await this.#noteDead(ref, step.keepUntil)
    const reply = await this.#script('endevent', ref, [fence, to, ...rest])
    if (textAt(reply, 0) !== 'ended') return false
    // Nobody waits for it: a hint that is wrong is put right by who looks.
    const isHinted = to === 'waiting' ? this.#hint(ref, step.dueAt) : this.#unhint(ref)
    isHinted.catch(() => {})
    return true
  }

  async dead({ now, limit, cursor = '0' }: DeadQuery): Promise<DeadPage> {
    const key = outboxDeadKey(this.#keyPrefix)
    const [next, found] = await this.#redis.zscan(key, cursor, 'COUNT', limit)
    const refs = pairsOf(found).map(({ member }) => refOfMember(member))
    const events = await Promise.all(refs.map((ref) => this.#deadEvent(ref, now)))
    return {
      events: events.filter((event) => event !== undefined),
      ...(next === '0' ? {} : { nextCursor: next }),
    }
  }

  async revive(ref: EventRef, { now, keepUntil }: ReviveEvent): Promise<boolean> {
    await this.#hint(ref, now)
    const reply = await this.#script('reviveevent', ref, [now, keepUntil, this.#marginMs])
    if (textAt(reply, 0) !== 'revived') return false
    this.#redis.zrem(outboxDeadKey(this.#keyPrefix), memberOf(ref)).catch(() => {})
    return true
  }

  async size(targets: readonly string[]): Promise<OutboxSize> {
    const keys = targets.map((target) => outboxDueKey(this.#keyPrefix, target))
    const waiting = await Promise.all(keys.map((key) => this.#redis.zcard(key)))
    const dead = await this.#redis.zcard(outboxDeadKey(this.#keyPrefix))
    return { waiting: waiting.reduce((sum, count) => sum + count, 0), dead }
  }

  async mend(now: number): Promise<void> {
    for await (const key of keysLike(this.#redis, this.#keyPrefix, '{*}:outbox')) {
      const owner = ownerOfOutbox(this.#keyPrefix, key)
      if (owner !== undefined) await this.#mendOwner(owner, key, now)
    }
    await this.#forgetDead(now)
  }

  async #mendOwner(owner: string, key: string, now: number): Promise<void> {
    let cursor = '0'
    do {
      const [next, found] = await this.#redis.hscan(key, cursor, 'MATCH', 'd:*', 'COUNT', 500)
      cursor = next
      for (let i = 0; i + 1 < found.length; i += 2) {
        const ref = refOfName(owner, (found[i] ?? '').slice('d:'.length))
        await this.#mendEvent(ref, decodeDelivery(found[i + 1] ?? ''), now)
      }
    } while (cursor !== '0')
  }

  async #mendEvent(ref: EventRef, delivery: Delivery, now: number): Promise<void> {
    const { state, dueAt, keepUntil } = delivery
    if (keepUntil <= now) {
      await this.#see(ref, now)
    } else if (state === 'waiting') {
      const key = outboxDueKey(this.#keyPrefix, ref.target)
      await this.#redis.zadd(key, 'NX', dueAt, memberOf(ref))
    } else {
      await this.#redis.zadd(outboxDeadKey(this.#keyPrefix), 'NX', keepUntil, memberOf(ref))
    }
  }

  /** Removes what is noted as dead and is so no longer. */
  async #forgetDead(now: number): Promise<void> {
    const key = outboxDeadKey(this.#keyPrefix)
    let cursor = '0'
    do {
      const [next, found] = await this.#redis.zscan(key, cursor, 'COUNT', BATCH)
      cursor = next
      for (const { member, at } of pairsOf(found)) {
        const reply = await this.#see(refOfMember(member), now)
        // One that is waiting may be about to die: its note is written first.
        if (textAt(reply, 0) === 'gone') await this.#run('move', [key], [member, at, ''])
      }
    } while (cursor !== '0')
  }

  async #lookAt(key: string, hint: Hint, now: number): Promise<DueEvent | 'kept' | 'moved'> {
    const { member, at } = hint
    const ref = refOfMember(member)
    const reply = await this.#see(ref, now)
    const since = textAt(reply, 0) === 'waiting' ? numberAt(reply, 1) : undefined
    if (since !== undefined && since <= now) return { ref, since }
    if (since === undefined && at > now - GRACE_MS) return 'kept'
    await this.#run('move', [key], [member, at, since ?? ''])
    return 'moved'
  }

  async #deadEvent(ref: EventRef, now: number): Promise<DeadEvent | undefined> {
    const reply = await this.#see(ref, now)
    if (textAt(reply, 0) !== 'dead') return undefined
    const delivery = decodeDelivery(textAt(reply, 2))
    const { attempts, reason } = delivery
    return { ...decodeEvent(ref, textAt(reply, 1), delivery), attempts, reason: reason ?? '' }
  }

  #see(ref: EventRef, now: number): Promise<Reply> {
    return this.#script('seeevent', ref, [now])
  }

  #script(
    name: 'takeevent' | 'endevent' | 'seeevent' | 'reviveevent',
    ref: EventRef,
    args: readonly (string | number)[],
  ): Promise<Reply> {
    const { outbox } = uploadKeys(this.#keyPrefix, ref)
    return this.#run(name, [outbox], [nameOf(ref), ...args])
  }

  async #hint(ref: EventRef, dueAt: number): Promise<void> {
    await this.#redis.zadd(outboxDueKey(this.#keyPrefix, ref.target), dueAt, memberOf(ref))
  }

  async #unhint(ref: EventRef): Promise<void> {
    await this.#redis.zrem(outboxDueKey(this.#keyPrefix, ref.target), memberOf(ref))
  }

  async #noteDead(ref: EventRef, keepUntil: number): Promise<void> {
    await this.#redis.zadd(outboxDeadKey(this.#keyPrefix), keepUntil, memberOf(ref))
  }
}

function plain({ owner, id, target }: EventRef): EventRef {
  return { owner, id, target }
}
