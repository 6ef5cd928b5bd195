import type { EventRef, Outbox, OutboxSize } from '../../coordinator/ports.js'
import { EventLane } from './event-lane.js'
import { WebhookDelivery, type WebhookDeliveryOptions } from './webhook-delivery.js'

export interface WebhookDelivererOptions extends WebhookDeliveryOptions {
  readonly outbox: Outbox
  /** Events on their way to one receiver at once. @default 8 */
  readonly atOnce?: number
  /** How often the outbox is asked for what nobody announced here, in milliseconds. @default 1 s */
  readonly pollMs?: number
  /** How often the outbox is mended, in milliseconds; the first time at the start. @default 1 h */
  readonly mendMs?: number
  /** Told now and then how much is in the outbox. */
  readonly onSize?: (size: OutboxSize) => void
  /** Told of an event of which it is not known how it ended. It is due again later. */
  readonly onFault: (ref: EventRef, fault: unknown) => void
  /** Told when the outbox could not be asked, once until it answers again, and when it could not be mended. */
  readonly onPollFault: (fault: unknown) => void
}

/** Asked for at once, for each receiver. */
const BATCH = 100
/** How often it is counted what there is, in polls. */
const COUNT_EVERY = 15
/** After it failed. */
const MEND_AGAIN_MS = 60_000

/**
 * Delivers what is in an outbox, for as long as the process lives. Any number of processes may each have one. What it does
 * can be broken off at any point, and is gone on with by any of them.
 */
export class WebhookDeliverer {
  readonly #options: WebhookDelivererOptions
  readonly #delivery: WebhookDelivery
  readonly #lanes: ReadonlyMap<string, EventLane>
  #polls = 0
  #mendAt = 0
  #isStopped = false
  #isAway = false
  #timer: NodeJS.Timeout | undefined
  #polling: Promise<void> | undefined

  constructor(options: WebhookDelivererOptions) {
    this.#options = options
    this.#delivery = new WebhookDelivery(options)
    const lane = () =>
      new EventLane({
        atOnce: options.atOnce ?? 8,
        deliver: (ref, signal) => this.#delivery.deliver(ref, signal),
        onFault: options.onFault,
      })
    this.#lanes = new Map(this.#delivery.targets.map((target) => [target, lane()]))
  }

  /** Begins to ask the outbox, at once and then regularly. */
  start(): void {
    if (this.#isStopped) return
    this.#polling = this.#poll().finally(() => {
      if (this.#isStopped) return
      this.#timer = setTimeout(() => this.start(), this.#options.pollMs ?? 1_000)
      this.#timer.unref()
    })
  }

  /** Delivers that event as soon as there is room: the option `events.onEvent` of `createPartway`. */
  add(ref: EventRef): void {
    this.#lanes.get(ref.target)?.add(ref)
  }

  /** Breaks off what is under way, so that it is due for others, and resolves when that is so. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await Promise.all([this.#polling, ...Array.from(this.#lanes.values(), (lane) => lane.stop())])
  }

  async #poll(): Promise<void> {
    try {
      await Promise.all(Array.from(this.#lanes, ([target, lane]) => this.#ask(target, lane)))
      if (this.#polls++ % COUNT_EVERY === 0) await this.#count()
      this.#isAway = false
      if (this.#options.clock.now() >= this.#mendAt) void this.#mend()
    } catch (fault) {
      if (!this.#isAway) this.#options.onPollFault(fault)
      this.#isAway = true
    }
  }

  async #ask(target: string, lane: EventLane): Promise<void> {
    const limit = Math.min(BATCH, lane.room)
    if (limit === 0) return
    for (const ref of await this.#delivery.due(target, limit)) lane.add(ref)
  }

  async #count(): Promise<void> {
    const { outbox, onSize } = this.#options
    if (onSize !== undefined) onSize(await outbox.size([...this.#lanes.keys()]))
  }

  /** May take long, so that nobody waits for it. */
  async #mend(): Promise<void> {
    const { outbox, clock, onPollFault, mendMs = 60 * 60 * 1000 } = this.#options
    this.#mendAt = Number.POSITIVE_INFINITY
    try {
      await outbox.mend(clock.now())
      this.#mendAt = clock.now() + mendMs
    } catch (fault) {
      this.#mendAt = clock.now() + MEND_AGAIN_MS
      if (!this.#isStopped) onPollFault(fault)
    }
  }
}
