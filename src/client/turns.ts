/** Lets `limit` pieces of work be under way at a time, first come, first served. */
export class Turns {
  readonly #limit: () => number
  readonly #waiting: (() => void)[] = []
  #active = 0

  /** `limit` is asked whenever a piece of work comes or has ended, so it may change. */
  constructor(limit: () => number) {
    this.#limit = limit
  }

  /** How many wait for theirs; less than 0 when so many could begin at once. */
  get reserve(): number {
    return this.#waiting.length - Math.max(0, this.#limit() - this.#active)
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin) => {
      this.#waiting.push(begin)
      this.#next()
    })
    try {
      return await work()
    } finally {
      this.#active--
      this.#next()
    }
  }

  #next(): void {
    while (this.#active < this.#limit()) {
      const begin = this.#waiting.shift()
      if (begin === undefined) return
      this.#active++
      begin()
    }
  }
}
