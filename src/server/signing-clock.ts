import { CLOCK_TOLERANCE_MS } from '../bucket/index.js'
import type { Clock } from '../coordinator/ports.js'

/**
 * What URLs are dated by: the clock of the machine, moved to the bucket's where the two differ by so much
 * that a URL would be good for noticeably less than its time, or for none.
 */
export class SigningClock implements Pick<Clock, 'now'> {
  readonly #clock: Pick<Clock, 'now'>
  #offsetMs = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now() + this.#offsetMs
  }

  /** `offsetMs`: how far the bucket's clock is ahead of the machine's. */
  follow(offsetMs: number): void {
    this.#offsetMs = Math.abs(offsetMs) > CLOCK_TOLERANCE_MS ? offsetMs : 0
  }
}
