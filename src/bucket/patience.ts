/** How long the other side may leave what it was given untouched. While it is we who are waited for, no time passes. */
export class Patience {
  readonly #ms: number
  readonly #onOver: () => void
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor(ms: number, onOver: () => void) {
    this.#ms = ms
    this.#onOver = onOver
    this.#begin()
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The same bytes. Time passes from each piece to when the next one is asked for, and after the last. */
  async *with(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    this.end()
    for await (const piece of bytes) {
      this.#begin()
      yield piece
      this.end()
    }
    this.#begin()
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#isOver = true
      this.#onOver()
    }, this.#ms)
  }
}
