import type { EventType } from '../protocol/index.js'
import type { DueQuery } from './store-port.js'

/** Names an event and who is to be told of it. */
export interface EventRef {
  readonly owner: string
  /** Of the event: the same for every receiver. */
  readonly id: string
  /** The receiver's name: 1 to 64 letters, digits, `-` and `_`. */
  readonly target: string
}

/** What happened to an upload, as one receiver is to be told. It is written once and never changed. */
export interface OutboxEvent extends EventRef {
  readonly type: EventType
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** JSON: what is sent, byte for byte. */
  readonly payload: string
  /** From then on it may be forgotten though it was not delivered, in milliseconds since the epoch. */
  readonly keepUntil: number
}

/** An event that nobody tries to deliver any more. */
export interface DeadEvent extends OutboxEvent {
  /** How often it was tried. */
  readonly attempts: number
  readonly reason: string
}

/**
 * Where events wait to be delivered. They come there by `SessionStore.settle` alone, in the same atomic step as the
 * state that they tell of: an event is there exactly when its step has happened.
 *
 * An event is `waiting`, with a time from which it is due, until it is delivered, which forgets it, or `dead`.
 * Each method but `due`, `dead` and `size` is one atomic step. A claim makes an event due again at the end of its lease,
 * so what a process had in hand that died comes back; then the late holder's word counts only as long as nobody else has
 * claimed it. So everything is delivered at least once, and twice only by a holder that was late.
 */
export interface Outbox {
  /**
   * Events for `target` that are due at `now`, at most `limit`, those that wait longest first. Each is given
   * sooner or later, as long as it is so.
   */
  due(query: DueEvents): Promise<readonly EventRef[]>

  /** `undefined` when it is not there, not due, or dead. Counts an attempt. */
  claim(ref: EventRef, step: ClaimEvent): Promise<ClaimedEvent | undefined>

  /** Ends a claim. `false`, changing nothing, when `fence` is not the latest or the event does not wait any more. */
  end(ref: EventRef, step: EndEvent): Promise<boolean>

  /**
   * A page of the events that are dead, in any order. Whatever is dead while all pages are read is on one of them,
   * and may be twice.
   */
  dead(query: DeadQuery): Promise<DeadPage>

  /** Makes a dead event due at `now`, with no attempt counted, and kept until `keepUntil`. `false` when it is not dead. */
  revive(ref: EventRef, step: ReviveEvent): Promise<boolean>

  /** About how many wait for these receivers, and how many are dead. */
  size(targets: readonly string[]): Promise<OutboxSize>

  /**
   * Sees to it that `due` and `dead` know of every event, and forgets those past `keepUntil`. To be called at the
   * start and every hour or so: a store that finds events by hints may have lost some, as in a failover.
   */
  mend(now: number): Promise<void>
}

export interface DueEvents extends DueQuery {
  readonly target: string
}

export interface ClaimEvent {
  readonly now: number
  readonly leaseMs: number
}

export interface ClaimedEvent {
  readonly event: OutboxEvent
  readonly fence: number
  /** How often it was tried, this time included. */
  readonly attempts: number
}

export type EndEvent = { readonly fence: number; readonly now: number } & (
  | { readonly to: 'delivered' }
  | {
      readonly to: 'waiting'
      readonly dueAt: number
      /** How many count from now on. @default those that were counted */
      readonly attempts?: number
      readonly reason: string
    }
  | { readonly to: 'dead'; readonly keepUntil: number; readonly reason: string }
)

export interface DeadQuery {
  readonly now: number
  /** About how many are to be on the page. */
  readonly limit: number
  /** `nextCursor` of the page before, unchanged. */
  readonly cursor?: string
}

export interface DeadPage {
  readonly events: readonly DeadEvent[]
  /** Present when there may be more. */
  readonly nextCursor?: string
}

export interface ReviveEvent {
  readonly now: number
  readonly keepUntil: number
}

export interface OutboxSize {
  readonly waiting: number
  readonly dead: number
}
