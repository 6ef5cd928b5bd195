import { type Job, keyOf, partyOf } from './job.js'
import { Turns } from './turns.js'

export interface LaneOptions {
  readonly atOnce: number
  readonly run: (job: Job, signal: AbortSignal) => Promise<void>
  readonly onFault: (job: Job, fault: unknown) => void
}

/** Known at once: what is added beyond that is found again in the store. */
const MOST_WAITING = 1_000

/** The jobs of one kind in this process: those that wait, and those that are worked on. */
export class Lane {
  readonly #options: LaneOptions
  readonly #turns: Turns
  readonly #waiting = new Map<string, Job>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #stopping = new AbortController()

  constructor(options: LaneOptions) {
    this.#options = options
    this.#turns = new Turns(options.atOnce)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  add(job: Job): void {
    const key = keyOf(job)
    if (this.#stopping.signal.aborted) return
    if (this.#running.has(key) || this.#waiting.size >= MOST_WAITING) return
    this.#waiting.set(key, job)
    this.#fill()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#waiting.clear()
    await Promise.all(this.#running.values())
  }

  #fill(): void {
    for (const [key, job] of this.#waiting) {
      if (this.#turns.isFull) return
      const party = partyOf(job)
      if (!this.#turns.take(party)) continue
      this.#waiting.delete(key)
      const work = this.#run(job).finally(() => {
        this.#running.delete(key)
        this.#turns.giveBack(party)
        this.#fill()
      })
      this.#running.set(key, work)
    }
  }

  async #run(job: Job): Promise<void> {
    const { signal } = this.#stopping
    try {
      await this.#options.run(job, signal)
    } catch (fault) {
      if (!signal.aborted) this.#options.onFault(job, fault)
    }
  }
}
