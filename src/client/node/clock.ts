import { setTimeout as delay } from 'node:timers/promises'
import type { ClientClock } from '../ports.js'

/** `now` never goes back and does not jump when the wall clock is set. */
export const systemClock: ClientClock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  async sleep(ms, signal) {
    signal.throwIfAborted()
    await delay(ms, undefined, { signal }).catch((error) => {
      signal.throwIfAborted()
      throw error
    })
  },
}
