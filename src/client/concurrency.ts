/** How many parts may be in flight. */
export interface ConcurrencyRange {
  readonly min: number
  readonly max: number
}

export interface ConcurrencyOptions extends ConcurrencyRange {
  /** Milliseconds, from any beginning. */
  readonly now: () => number
}

const START = 6
/** A rate over less than this says more of the moment than of the line. */
const WINDOW_MS = 1_000
/** One more in flight is worth its memory when the rate grows by this. */
const WORTHWHILE = 1.05
/** After one more was not worth it, or was too much, it is not tried again for so long. */
const HOLD_MS = 20_000

/**
 * Finds how many parts to have in flight by trying: one more, as long as more bytes a second come of it;
 * half as many, when the bucket says that it is too much (503, 429). With `min` equal to `max` it stays
 * there.
 */
export class Concurrency {
  readonly #options: ConcurrencyOptions
  #limit: number
  #cap = Number.POSITIVE_INFINITY
  #window = { from: 0, sent: 0, parts: 0 }
  /** The rate before one more was tried; absent while nothing is being tried. */
  #rateBefore: number | undefined
  #heldUntil = Number.NEGATIVE_INFINITY
  #halvedAt = Number.NEGATIVE_INFINITY
  #sent = 0

  constructor(options: ConcurrencyOptions) {
    this.#options = options
    this.#limit = Math.max(options.min, Math.min(options.max, START))
    this.#restart()
  }

  get limit(): number {
    return Math.max(1, Math.min(this.#limit, this.#cap))
  }

  /** No more than this can really be on their way at once. */
  cap(connections: number): void {
    this.#cap = Math.max(this.#options.min, connections)
    this.#limit = Math.min(this.#limit, this.#cap)
  }

  /** So many more bytes went over the wire. */
  sent(bytes: number): void {
    this.#sent += bytes
  }

  /** A part has arrived: the moment to judge the rate, if it is time. */
  arrived(): void {
    const now = this.#options.now()
    this.#window.parts++
    const elapsed = now - this.#window.from
    // Parts that end are what makes a rate comparable: as many as are in flight, or it is of few of them.
    if (elapsed < WINDOW_MS || this.#window.parts < this.limit) return
    this.#judge((this.#sent - this.#window.sent) / elapsed, now)
    this.#restart()
  }

  /** The bucket asks for less. */
  overloaded(): void {
    const now = this.#options.now()
    // The parts in flight fail together, and that is one reason, not several.
    if (now < this.#halvedAt + WINDOW_MS) return
    this.#halvedAt = now
    this.#limit = Math.max(this.#options.min, Math.floor(this.limit / 2))
    this.#hold(now)
    this.#restart()
  }

  #judge(rate: number, now: number): void {
    if (this.#rateBefore !== undefined && rate < this.#rateBefore * WORTHWHILE) {
      this.#limit = Math.max(this.#options.min, this.#limit - 1)
      this.#hold(now)
      return
    }
    this.#rateBefore = undefined
    if (now < this.#heldUntil || this.#limit >= Math.min(this.#options.max, this.#cap)) return
    this.#rateBefore = rate
    this.#limit++
  }

  #hold(now: number): void {
    this.#rateBefore = undefined
    this.#heldUntil = now + HOLD_MS
  }

  #restart(): void {
    this.#window = { from: this.#options.now(), sent: this.#sent, parts: 0 }
  }
}
