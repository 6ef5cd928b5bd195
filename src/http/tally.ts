/** Lets each name have `most` of something at a time. It remembers only names that have any. */
export class Tally {
  readonly #most: number
  readonly #counts = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** `false` when the name has all that it may have. */
  take(name: string): boolean {
    const count = this.#counts.get(name) ?? 0
    if (count >= this.#most) return false
    this.#counts.set(name, count + 1)
    return true
  }

  /** Gives back one that was taken. */
  giveBack(name: string): void {
    const left = (this.#counts.get(name) ?? 1) - 1
    if (left === 0) this.#counts.delete(name)
    else this.#counts.set(name, left)
  }
}
