import type { Clock } from '../../src/coordinator/ports.js'

/**
 * What becomes of the `at`-th call of an actor to a port.
 *
 * - `drop`: it is not made, and rejects; `lose-reply`: it is made, and rejects.
 * - `crash-before`, `crash-after`: the process ends there, so no later call of it is made either.
 * - `hollow`: as `drop`, but the bucket says that it has completed the upload.
 * - `late`: it is made after every lease has ended.
 * - `stop`: the process stands still before it, until the step that wakes it (SIGSTOP).
 */
export interface Fault {
  readonly at: number
  readonly kind: FaultKind
}

export const FAULT_KINDS = [
  'drop',
  'lose-reply',
  'hollow',
  'crash-before',
  'crash-after',
  'late',
  'stop',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** One process that serves one call of one client. */
export class Actor {
  readonly name: string
  isDead = false
  isStopped = false
  wasStopped = false
  #calls = 0
  #latest: Promise<void> = Promise.resolve()
  readonly #faults: readonly Fault[]

  constructor(name: string, faults: readonly Fault[]) {
    this.name = name
    this.#faults = faults
  }

  /**
   * Calls that are made at once are made one after the other and answered together: the stage counts an
   * actor once, so it must not go on by the first answer while another of its calls waits for its turn.
   */
  async oneByOne<T>(call: () => Promise<T>): Promise<T> {
    const answer = this.#latest.then(call)
    const done = () => {}
    this.#latest = answer.then(done, done)
    for (let last: Promise<void> | undefined; last !== this.#latest; ) {
      last = this.#latest
      await last
    }
    return answer
  }

  /** The fault of the call that is about to be made. */
  nextFault(): FaultKind | undefined {
    this.#calls++
    return this.#faults.find((fault) => fault.at === this.#calls)?.kind
  }
}

interface Waiting {
  readonly actor: Actor
  readonly go: () => void
}

const START = Date.UTC(2026, 0, 1)

/**
 * Lets one actor at a time go on, from one call to the next, in an order that the test decides. So a race is
 * the same each time it is run, however long anything in it really takes. Time is the stage's own.
 */
export class Stage {
  now = START
  #waiting: Waiting[] = []
  #running = 0
  #quiet = () => {}

  /** Resolves when the actor may go on. Only a running actor may wait. */
  turn(actor: Actor): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ actor, go })
      this.#leave()
    })
  }

  /** `run` must not reject; the actor's first call waits until `play`. */
  begin(run: () => Promise<void>): void {
    this.#running++
    void run().finally(() => this.#leave())
  }

  /** Until every actor is done or stopped. `order` chooses among those that could go on. */
  async play(order: readonly number[]): Promise<void> {
    for (let turn = 0; ; turn++) {
      if (this.#running > 0) await this.#whenQuiet()
      const ready = this.#waiting.filter(({ actor }) => !actor.isStopped)
      const next = ready[(order[turn % order.length] ?? 0) % ready.length]
      if (next === undefined) return
      this.#waiting = this.#waiting.filter((waiting) => waiting !== next)
      this.#running++
      next.go()
    }
  }

  clockOf(actor: Actor): Clock {
    return {
      now: () => this.now,
      sleep: async (ms) => {
        const end = this.now + ms
        await this.turn(actor)
        this.now = Math.max(this.now, end)
      },
    }
  }

  #whenQuiet(): Promise<void> {
    return new Promise((quiet) => {
      this.#quiet = quiet
    })
  }

  #leave(): void {
    this.#running--
    if (this.#running === 0) this.#quiet()
  }
}
