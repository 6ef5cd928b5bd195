import type { ClientClock } from '../../../src/client/ports.js'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** Turns of the event loop without anybody asleep after which a test is taken to hang, but not before so many ms. */
const PATIENCE = 20_000
const PATIENCE_MS = 5_000

/** Time that passes only when everything waits for it, and then at once to the next who wakes up. */
export class VirtualClock implements ClientClock {
  #now = 0
  #sleepers: Sleeper[] = []

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return Date.UTC(2026, 0, 1) + this.#now
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const leave = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        signal.removeEventListener('abort', cancel)
      }
      const cancel = () => {
        leave()
        reject(signal.reason)
      }
      const wake = () => {
        leave()
        resolve()
      }
      const sleeper = { at: this.#now + Math.max(0, ms), wake }
      this.#sleepers.push(sleeper)
      signal.addEventListener('abort', cancel)
    })
  }

  /** Lets time pass until `work` settles. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    work.then(settle, settle)
    let awake = performance.now()
    // What threads do for a test, on a crowded machine, takes more turns than anybody can know.
    for (let idle = 0; !isSettled; idle++) {
      if (idle > PATIENCE && performance.now() - awake > PATIENCE_MS) break
      await new Promise((turn) => setImmediate(turn))
      if (isSettled || !this.#wakeNext()) continue
      idle = 0
      awake = performance.now()
    }
    if (!isSettled) throw new Error('Nobody waits for time to pass, and nothing happens')
    return work
  }

  #wakeNext(): boolean {
    const [first, ...others] = this.#sleepers
    if (first === undefined) return false
    const next = others.reduce((earliest, one) => (one.at < earliest.at ? one : earliest), first)
    this.#now = Math.max(this.#now, next.at)
    next.wake()
    return true
  }
}
