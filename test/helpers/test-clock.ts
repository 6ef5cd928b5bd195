import type { Clock } from '../../src/coordinator/ports.js'

/** A clock that a test can move on. Sleeping takes its real, short time and moves it on by as much. */
export class TestClock implements Clock {
  #offset = 0

  now(): number {
    return Date.now() + this.#offset
  }

  advance(ms: number): void {
    this.#offset += ms
  }

  async sleep(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20)))
    this.#offset += Math.max(0, ms - 20)
  }
}
