import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../coordinator/ports.js'
import type { Log } from './logging.js'

/** The services behind the server; each check resolves when its service answers. */
export interface Checks {
  readonly store: () => Promise<void>
  readonly bucket: () => Promise<void>
}

export interface ReadinessReport {
  readonly ready: boolean
  readonly stopping: boolean
  readonly store: boolean
  readonly bucket: boolean
  /** Why the bucket, though it answers, is of no use. */
  readonly reason?: string
}

export interface ReadinessOptions {
  readonly checks: Checks
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /** How long a service may take to answer. @default 3 s */
  readonly timeoutMs?: number
  /** Why no upload can be completed, if that is known. @default nothing is known */
  readonly broken?: () => string | undefined
}

/** So that asking `/readyz` all the time does not become asking the bucket all the time. */
const FRESH_MS = 1_000

/** Whether the server can do its work now. */
export class Readiness {
  readonly #checks: Checks
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: Log
  readonly #timeoutMs: number
  readonly #broken: () => string | undefined
  #leaving = false
  #stopping = false
  #latest: { askedAt: number; answer: Promise<{ store: boolean; bucket: boolean }> } | undefined

  constructor({ checks, clock, log, timeoutMs = 3_000, broken }: ReadinessOptions) {
    this.#checks = checks
    this.#clock = clock
    this.#log = log
    this.#timeoutMs = timeoutMs
    this.#broken = broken ?? (() => undefined)
  }

  /** Whether work is refused. */
  get stopping(): boolean {
    return this.#stopping
  }

  /** From now on the server is not ready, whatever its services say. What it is asked it does. */
  leave(): void {
    this.#leaving = true
  }

  /** From now on it is not ready, and refuses work, unless it has left: then nobody sends any but by mistake. */
  stop(): void {
    this.#stopping = !this.#leaving
    this.#leaving = true
  }

  async report(): Promise<ReadinessReport> {
    const now = this.#clock.now()
    if (this.#latest === undefined || now - this.#latest.askedAt >= FRESH_MS) {
      this.#latest = { askedAt: now, answer: this.#ask() }
    }
    const { store, bucket } = await this.#latest.answer
    const stopping = this.#leaving
    const reason = this.#broken()
    return {
      ready: store && bucket && !stopping && reason === undefined,
      stopping,
      store,
      bucket,
      ...(reason !== undefined && { reason }),
    }
  }

  async #ask(): Promise<{ store: boolean; bucket: boolean }> {
    const [store, bucket] = await Promise.all([this.#answers('store'), this.#answers('bucket')])
    return { store, bucket }
  }

  async #answers(service: keyof Checks): Promise<boolean> {
    try {
      await Promise.race([this.#checks[service](), this.#tooLate()])
      return true
    } catch (err) {
      this.#log.warn({ event: 'service.unavailable', service, err })
      return false
    }
  }

  async #tooLate(): Promise<never> {
    await delay(this.#timeoutMs, undefined, { ref: false })
    throw new Error(`no answer within ${this.#timeoutMs} ms`)
  }
}
