import type { EventRef } from '../../coordinator/ports.js'

export interface EventLaneOptions {
  readonly atOnce: number
  readonly deliver: (ref: EventRef, signal: AbortSignal) => Promise<void>
  readonly onFault: (ref: EventRef, fault: unknown) => void
}

/** Known at once: what is added beyond that is found again in the outbox. */
const MOST_WAITING = 1_000

/** What one receiver is told, so many events at a time: one that is slow holds up nobody else. */
export class EventLane {
  readonly #options: EventLaneOptions
  readonly #waiting = new Map<string, EventRef>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #stopping = new AbortController()

  constructor(options: EventLaneOptions) {
    this.#options = options
  }

  /** How many more it takes. */
  get room(): number {
    return MOST_WAITING - this.#waiting.size
  }

  add(ref: EventRef): void {
    const key = JSON.stringify([ref.owner, ref.id])
    if (this.#stopping.signal.aborted || this.#running.has(key) || this.room === 0) return
    this.#waiting.set(key, ref)
    this.#fill()
  }

  /** Breaks off what is under way, so that it is due for others, and resolves when that is so. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#waiting.clear()
    await Promise.all(this.#running.values())
  }

  #fill(): void {
    for (const [key, ref] of this.#waiting) {
      if (this.#running.size >= this.#options.atOnce) return
      this.#waiting.delete(key)
      const work = this.#run(ref).finally(() => {
        this.#running.delete(key)
        this.#fill()
      })
      this.#running.set(key, work)
    }
  }

  async #run(ref: EventRef): Promise<void> {
    const { signal } = this.#stopping
    try {
      await this.#options.deliver(ref, signal)
    } catch (fault) {
      if (!signal.aborted) this.#options.onFault(ref, fault)
    }
  }
}
