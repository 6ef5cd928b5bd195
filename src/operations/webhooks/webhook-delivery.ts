import type { Clock, EventRef, Outbox, OutboxEvent } from '../../coordinator/ports.js'
import type { Outbound, OutboundOutcome } from '../outbound/create-outbound.js'
import { signMessage } from '../outbound/sign-message.js'
import { retryPause } from './retry-pause.js'

/** Who is told of events. */
export interface WebhookEndpoint {
  /** Its name among the `targets` of `createPartway`. */
  readonly target: string
  readonly url: string
  /** Each signs: see `signingSecretProblem`. At least one. */
  readonly secrets: readonly string[]
}

export interface WebhookDeliveryOptions {
  readonly outbox: Pick<Outbox, 'due' | 'claim' | 'end'>
  readonly endpoints: readonly WebhookEndpoint[]
  /** Gives up by itself within half a minute. */
  readonly outbound: Pick<Outbound, 'post'>
  readonly clock: Pick<Clock, 'now'>
  /** 0 to 1. @default the system's random numbers */
  readonly random?: () => number
  /** Told of every attempt that came to an end, and of whose. Must not throw. */
  readonly onAttempt?: (event: OutboxEvent, attempt: Attempt) => void
}

export type Attempt =
  | { readonly result: 'delivered' }
  /** It is tried again at `dueAt`. */
  | { readonly result: 'failed'; readonly reason: string; readonly dueAt: number }
  /** Nobody tries it any more unless somebody asks for it. */
  | { readonly result: 'dead'; readonly reason: string }

/** Longer than `Outbound` takes, by enough for the store. */
const LEASE_MS = 60_000
/** How long one that is dead is kept. */
const KEEP_DEAD_MS = 30 * 24 * 60 * 60 * 1000

const GONE = 410

/**
 * Delivers events, one by one. Any number of processes may deliver at once, and be killed while they do: each event is
 * claimed before it is sent, and is due again when the claim has ended.
 */
export class WebhookDelivery {
  readonly #options: WebhookDeliveryOptions
  readonly #endpoints: ReadonlyMap<string, WebhookEndpoint>

  constructor(options: WebhookDeliveryOptions) {
    this.#options = options
    this.#endpoints = new Map(options.endpoints.map((endpoint) => [endpoint.target, endpoint]))
  }

  get targets(): readonly string[] {
    return [...this.#endpoints.keys()]
  }

  /** Events for that receiver that are to be delivered now: at most `limit`, those that wait longest. */
  due(target: string, limit: number): Promise<readonly EventRef[]> {
    return this.#options.outbox.due({ target, now: this.#options.clock.now(), limit })
  }

  /**
   * Delivers the event if it is due and nobody else has it in hand. That the receiver did not take it is no fault: it is due
   * again later, or dead. Rejects when the store does not answer, or when `signal` aborts; then it is due again as well.
   */
  async deliver(ref: EventRef, signal: AbortSignal): Promise<void> {
    const { outbox, clock, onAttempt } = this.#options
    const endpoint = this.#endpoints.get(ref.target)
    if (endpoint === undefined) return
    signal.throwIfAborted()
    const claim = await outbox.claim(ref, { now: clock.now(), leaseMs: LEASE_MS })
    if (claim === undefined) return
    const { event, fence, attempts } = claim
    const outcome = await this.#send(endpoint, event, signal)
    if (outcome.kind === 'failed' && outcome.why === 'aborted') {
      const now = clock.now()
      // The attempt was ours to break off, so it does not count.
      const back = { to: 'waiting', dueAt: now, attempts: attempts - 1, reason: 'stopped' } as const
      await outbox.end(ref, { fence, now, ...back })
      throw new Error('the delivery was broken off', { cause: signal.reason })
    }
    const attempt = this.#judge(outcome, attempts)
    if (await this.#end(ref, fence, attempt)) onAttempt?.(event, attempt)
  }

  #send(
    { url, secrets }: WebhookEndpoint,
    { id, payload: body }: OutboxEvent,
    signal: AbortSignal,
  ): Promise<OutboundOutcome> {
    const timestamp = this.#options.clock.now()
    const headers = {
      ...signMessage(secrets, { id, timestamp, body }),
      'content-type': 'application/json',
      'user-agent': 'partway',
    }
    return this.#options.outbound.post(url, { body, headers, signal })
  }

  #judge(outcome: OutboundOutcome, attempts: number): Attempt {
    const isAnswered = outcome.kind === 'answered'
    if (isAnswered && outcome.status >= 200 && outcome.status < 300) return { result: 'delivered' }
    const { clock, random = Math.random } = this.#options
    const reason = reasonOf(outcome)
    if (isAnswered && outcome.status === GONE) return { result: 'dead', reason }
    const retryAfterMs = isAnswered ? outcome.retryAfterMs : undefined
    const pause = retryPause(attempts, { random: random(), retryAfterMs })
    if (pause === undefined) return { result: 'dead', reason }
    return { result: 'failed', reason, dueAt: clock.now() + pause }
  }

  #end(ref: EventRef, fence: number, attempt: Attempt): Promise<boolean> {
    const { outbox, clock } = this.#options
    const now = clock.now()
    const common = { fence, now }
    switch (attempt.result) {
      case 'delivered':
        return outbox.end(ref, { ...common, to: 'delivered' })
      case 'failed': {
        const { dueAt, reason } = attempt
        return outbox.end(ref, { ...common, to: 'waiting', dueAt, reason })
      }
      case 'dead': {
        const { reason } = attempt
        return outbox.end(ref, { ...common, to: 'dead', keepUntil: now + KEEP_DEAD_MS, reason })
      }
    }
  }
}

/** Nothing of what the receiver said but its status: an operator reads this, and so may logs. */
function reasonOf(outcome: OutboundOutcome): string {
  switch (outcome.kind) {
    case 'answered':
      return `HTTP ${outcome.status}`
    case 'refused':
      return outcome.why === 'address'
        ? 'not sent: it leads to an address that nothing is sent to'
        : `not sent: the ${outcome.why} is not one that is sent to`
    case 'failed':
      if (outcome.why === 'timeout') return 'no answer in time'
      return outcome.code === undefined ? 'connection broke' : `connection: ${outcome.code}`
  }
}
