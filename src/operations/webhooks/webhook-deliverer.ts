import type { EventRef, Outbox, OutboxSize } from '../../coordinator/ports.js'
import type { WebhookWork } from '../background/background-work.js'
import { shareOf } from '../background/turns.js'
import type { Handler } from '../background/work-queue.js'
import { WebhookDelivery, type WebhookDeliveryOptions } from './webhook-delivery.js'

export interface WebhookDelivererOptions extends WebhookDeliveryOptions {
  readonly outbox: Outbox
  /** Events on their way at once, of which one receiver has half at most. @default 16 */
  readonly atOnce?: number
  /** How often the outbox is mended, in milliseconds; the first time when it is first asked. @default 1 h */
  readonly mendMs?: number
  /** Told now and then how much is in the outbox. */
  readonly onSize?: (size: OutboxSize) => void
  /** Told when the outbox could not be asked, once until it answers again, and when it could not be mended. */
  readonly onOutboxFault: (fault: unknown) => void
}

/** Asked for at once, for each receiver, so that one that takes nothing does not fill the queue. */
const BATCH = 100
const COUNT_MS = 15_000
/** After it failed. */
const MEND_AGAIN_MS = 60_000

/** Delivers what is in an outbox: what `BackgroundWork` takes for its `webhooks`. */
export class WebhookDeliverer implements WebhookWork {
  readonly handler: Handler<'deliver'>
  readonly #options: WebhookDelivererOptions
  readonly #delivery: WebhookDelivery
  readonly #mostOfOne: number
  /** By receiver, how many events are on their way to it from here. */
  readonly #underWay = new Map<string, number>()
  #countAt = 0
  #mendAt = 0
  #isAway = false

  constructor(options: WebhookDelivererOptions) {
    const { atOnce = 16 } = options
    this.#options = options
    this.#delivery = new WebhookDelivery(options)
    this.#mostOfOne = shareOf(atOnce)
    this.handler = { atOnce, run: (event, signal) => this.#deliver(event, signal) }
  }

  /** Never rejects: who could not be asked now is asked again by the next sweep. */
  async due(): Promise<readonly EventRef[]> {
    try {
      const { targets } = this.#delivery
      const events = await Promise.all(targets.map((one) => this.#delivery.due(one, BATCH)))
      await this.#count()
      this.#isAway = false
      if (this.#options.clock.now() >= this.#mendAt) void this.#mend()
      return events.flat()
    } catch (fault) {
      if (!this.#isAway) this.#options.onOutboxFault(fault)
      this.#isAway = true
      return []
    }
  }

  /** Not while its receiver has all that it may have: what comes then waits in the outbox, not in the queue. */
  isWanted({ target }: EventRef): boolean {
    if (!this.#delivery.targets.includes(target)) return false
    return (this.#underWay.get(target) ?? 0) < this.#mostOfOne
  }

  async #deliver(event: EventRef, signal: AbortSignal): Promise<void> {
    const { target } = event
    this.#underWay.set(target, (this.#underWay.get(target) ?? 0) + 1)
    try {
      await this.#delivery.deliver(event, signal)
    } finally {
      this.#underWay.set(target, (this.#underWay.get(target) ?? 0) - 1)
    }
  }

  async #count(): Promise<void> {
    const { outbox, clock, onSize } = this.#options
    if (onSize === undefined || clock.now() < this.#countAt) return
    this.#countAt = clock.now() + COUNT_MS
    onSize(await outbox.size(this.#delivery.targets))
  }

  /** May take long, so that nobody waits for it. */
  async #mend(): Promise<void> {
    const { outbox, clock, onOutboxFault, mendMs = 60 * 60 * 1000 } = this.#options
    this.#mendAt = Number.POSITIVE_INFINITY
    try {
      await outbox.mend(clock.now())
      this.#mendAt = clock.now() + mendMs
    } catch (fault) {
      this.#mendAt = clock.now() + MEND_AGAIN_MS
      onOutboxFault(fault)
    }
  }
}
