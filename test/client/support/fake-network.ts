import type { OnlineSignal } from '../../../src/client/ports.js'

/** What the system says of its network, as a test has it. */
export class FakeNetwork implements OnlineSignal {
  #isOnline = true
  readonly #waiting = new Set<() => void>()

  isOnline(): boolean {
    return this.#isOnline
  }

  set(isOnline: boolean): void {
    this.#isOnline = isOnline
    if (isOnline) for (const wake of this.#waiting) wake()
  }

  whenOnline(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isOnline) return resolve()
      this.#waiting.add(resolve)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }
}
