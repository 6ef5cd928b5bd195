/** More that differ are not told in one time. */
const MOST = 20

/** Tells each fault once in a time in which they come again and again, such as those of a connection that is tried and tried. */
export class FaultsOnce {
  readonly #tell: (fault: Error) => void
  readonly #told = new Set<string>()
  #isStopped = false

  constructor(tell: (fault: Error) => void) {
    this.#tell = tell
  }

  readonly fault = (fault: Error): void => {
    if (this.#isStopped || this.#told.has(fault.message) || this.#told.size >= MOST) return
    this.#told.add(fault.message)
    this.#tell(fault)
  }

  /** What comes now is of another time. */
  over(): void {
    this.#told.clear()
  }

  /** Nobody is interested any more. */
  stop(): void {
    this.#isStopped = true
  }
}
