import type * as BullMq from 'bullmq'
import type { Job as BullJob } from 'bullmq'
import { type Job, type JobKind, jobSchema, partyOf } from './job.js'
import { runJob } from './run-job.js'
import { Turns } from './turns.js'
import type { Handlers, QueueEvents } from './work-queue.js'

export interface BullWorkerOptions extends QueueEvents {
  readonly kind: JobKind
  readonly atOnce: number
  readonly handlers: Handlers
  readonly now: () => number
  /** Of BullMQ. */
  readonly settings: BullMq.WorkerOptions
  readonly onFault: (fault: Error) => void
}

/** How long a job waits at most whose party has no room here, in milliseconds. Another process may have. */
const ASIDE_MS = 5_000
/** Until Redis is asked again after it could not be, in milliseconds. */
const RETRY_MS = 1_000

/** Works on the jobs of one kind. */
export class BullWorker {
  readonly #bull: typeof BullMq
  readonly #options: BullWorkerOptions
  readonly #turns: Turns
  readonly #worker: BullMq.Worker
  readonly #stopping = new AbortController()
  /** What had to wait for room of its party, by their keys. */
  readonly #aside = new Map<string, Map<string, BullJob>>()

  constructor(bull: typeof BullMq, options: BullWorkerOptions) {
    this.#bull = bull
    this.#options = options
    this.#turns = new Turns(options.atOnce)
    this.#worker = new bull.Worker(options.kind, (job, token) => this.#process(job, token), {
      ...options.settings,
      concurrency: options.atOnce,
      runRetryDelay: RETRY_MS,
    })
    this.#worker.on('error', options.onFault)
    // What is no job, or was given again too often.
    this.#worker.on('failed', (_, fault) => options.onFault(fault))
  }

  /** Takes up nothing more, breaks off what is under way, and resolves when it is given back; it cannot be while Redis is away. */
  async close(isAway: boolean): Promise<void> {
    // First, so that what is given back is not taken here again.
    const closed = this.#worker.close(isAway)
    this.#stopping.abort()
    await closed
  }

  async #process(bullJob: BullJob, token: string | undefined): Promise<void> {
    const job = jobSchema.parse(bullJob.data)
    const party = partyOf(job)
    if (!this.#turns.take(party)) await this.#setAside(party, bullJob, token)
    try {
      await this.#run(job, bullJob, token)
    } finally {
      this.#turns.giveBack(party)
      if (party !== undefined) await this.#callNext(party)
    }
  }

  async #run(job: Job, bullJob: BullJob, token: string | undefined): Promise<void> {
    const { signal } = this.#stopping
    try {
      signal.throwIfAborted()
      await runJob(this.#options.handlers, job, signal)
    } catch (fault) {
      if (!signal.aborted) return this.#options.onJobFault(job, fault)
      await bullJob.moveToWait(token)
      throw new this.#bull.WaitingError()
    }
  }

  async #setAside(party = '', bullJob: BullJob, token: string | undefined): Promise<never> {
    const own = this.#aside.get(party) ?? new Map<string, BullJob>()
    this.#aside.set(party, own.set(bullJob.id ?? '', bullJob))
    await bullJob.moveToDelayed(this.#options.now() + ASIDE_MS, token)
    throw new this.#bull.DelayedError()
  }

  /** Brings one of that party's back that was set aside. Where it is elsewhere by now, so be it. */
  async #callNext(party: string): Promise<void> {
    const own = this.#aside.get(party)
    for (const [id, bullJob] of own ?? []) {
      own?.delete(id)
      if (this.#stopping.signal.aborted || (await isPromoted(bullJob))) break
    }
    if (own?.size === 0) this.#aside.delete(party)
  }
}

async function isPromoted(job: BullJob): Promise<boolean> {
  return await job.promote().then(
    () => true,
    () => false,
  )
}
