import type { CleanUpReport } from '../coordinator/clean-up.js'
import type { Partway } from '../coordinator/partway.js'
import type { UploadRef } from '../coordinator/ports.js'

export interface JanitorOptions {
  readonly partway: Pick<Partway, 'cleanUp'>
  /** From the end of one run to the beginning of the next, in milliseconds. @default 5 min */
  readonly intervalMs?: number
  /** 0 to 1: so that many servers do not all come at the same time. @default the system's random numbers */
  readonly random?: () => number
  /** Told what a run has done. */
  readonly onRun: (report: CleanUpReport) => void
  /** Told of an upload that could not be given up; it is tried again. */
  readonly onFault: (ref: UploadRef, fault: unknown) => void
  /** Told when the store could not be asked. */
  readonly onRunFault: (fault: unknown) => void
}

/**
 * Cleans up every few minutes. Any number of processes may each have one, without a leader among them: each upload is
 * claimed before it is touched, and to ask for those past their time is one cheap query.
 */
export class Janitor {
  readonly #options: JanitorOptions
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor(options: JanitorOptions) {
    this.#options = options
  }

  /** Begins within an interval from now. */
  start(): void {
    this.#plan((this.#options.random ?? Math.random)())
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stopping.abort()
    await this.#running
  }

  #plan(share: number): void {
    if (this.#stopping.signal.aborted) return
    const wait = (this.#options.intervalMs ?? 5 * 60_000) * share
    this.#timer = setTimeout(() => {
      this.#running = this.#run().finally(() => this.#plan(1))
    }, wait)
    this.#timer.unref()
  }

  async #run(): Promise<void> {
    const { partway, onFault, onRun, onRunFault } = this.#options
    try {
      onRun(await partway.cleanUp({ onFault, signal: this.#stopping.signal }))
    } catch (fault) {
      onRunFault(fault)
    }
  }
}
