import { atMost } from './at-most.js'
import { JOB_KINDS, type Job, type JobKind, type RepeatedKind } from './job.js'
import { Lane } from './lane.js'
import { runJob } from './run-job.js'
import type { Handlers, QueueEvents, WorkQueue } from './work-queue.js'

export interface InProcessQueueOptions extends QueueEvents {
  /** 0 to 1: so that processes on the same store do not all come at the same time. @default the system's random numbers */
  readonly random?: () => number
  /** How long `close` waits for what it breaks off, in milliseconds. @default 1.5 s */
  readonly closeMs?: number
}

/**
 * A queue within a process, which dies with it. What others left is found by the sweeps of any process that has the same store, so several may have
 * one each; each of them repeats for itself.
 */
export class InProcessQueue implements WorkQueue {
  readonly #options: InProcessQueueOptions
  readonly #lanes = new Map<JobKind, Lane>()
  readonly #timers = new Map<RepeatedKind, NodeJS.Timeout>()
  #closed: Promise<void> | undefined

  constructor(options: InProcessQueueOptions) {
    this.#options = options
  }

  async add(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) this.#lanes.get(job.kind)?.add(job)
  }

  schedule(kind: RepeatedKind, everyMs: number): void {
    this.#plan(kind, everyMs, (this.#options.random ?? Math.random)())
  }

  run(handlers: Handlers): void {
    if (this.#closed) return
    for (const kind of JOB_KINDS) {
      const atOnce = handlers[kind]?.atOnce
      if (atOnce === undefined) continue
      const run = (job: Job, signal: AbortSignal) => runJob(handlers, job, signal)
      this.#lanes.set(kind, new Lane({ atOnce, run, onFault: this.#options.onJobFault }))
    }
  }

  async waiting(): Promise<Readonly<Record<JobKind, number>>> {
    const of = (kind: JobKind) => this.#lanes.get(kind)?.waiting ?? 0
    return {
      settle: of('settle'),
      deliver: of('deliver'),
      sweep: of('sweep'),
      janitor: of('janitor'),
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    const stopped = Promise.all(Array.from(this.#lanes.values(), (lane) => lane.stop()))
    await atMost(this.#options.closeMs ?? 1_500, stopped)
  }

  #plan(kind: RepeatedKind, everyMs: number, share: number): void {
    if (this.#closed) return
    const timer = setTimeout(() => {
      void this.add([{ kind }])
      this.#plan(kind, everyMs, 1)
    }, everyMs * share)
    timer.unref()
    this.#timers.set(kind, timer)
  }
}
