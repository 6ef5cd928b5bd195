/** How much of the room for so many one party may have. */
export function shareOf(most: number): number {
  return Math.max(1, Math.floor(most / 2))
}

/** Room for so many at once, of which one party has half at most: nobody waits for all that another has sent. */
export class Turns {
  readonly #most: number
  readonly #mostOfOne: number
  readonly #taken = new Map<string | undefined, number>()
  #all = 0

  constructor(most: number) {
    this.#most = most
    this.#mostOfOne = shareOf(most)
  }

  get isFull(): boolean {
    return this.#all >= this.#most
  }

  /** Takes a place, unless there is none for that party. Work of nobody takes any. */
  take(party: string | undefined): boolean {
    const own = this.#taken.get(party) ?? 0
    if (this.isFull || (party !== undefined && own >= this.#mostOfOne)) return false
    this.#taken.set(party, own + 1)
    this.#all += 1
    return true
  }

  giveBack(party: string | undefined): void {
    const own = this.#taken.get(party) ?? 0
    if (own > 1) this.#taken.set(party, own - 1)
    else this.#taken.delete(party)
    this.#all -= 1
  }
}
