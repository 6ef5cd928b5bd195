import type { Job, JobKind, JobOf, RepeatedKind } from './job.js'

export interface Handler<K extends JobKind> {
  /** Jobs of the kind that this process works on at once. */
  readonly atOnce: number
  /**
   * Does it, and must stand being called again for the same job at any time. Rejects when it could not be done; the queue
   * does not try again, as what is still due is found by the next sweep. When `signal` aborts, it leaves everything so that
   * another process can go on, and rejects.
   */
  run(job: JobOf<K>, signal: AbortSignal): Promise<void>
}

export type Handlers = { readonly [K in JobKind]?: Handler<K> }

/**
 * Gives work to processes. It is no record of what is to be done: that is in the session store. Whatever is lost with the
 * queue is found again there by a `sweep`.
 *
 * - A job that was added is given to a process that has a handler for its kind, **at least once**, unless the queue is lost, or so long
 *   that it takes no more. A job whose process died is given again.
 * - The same job is not worked on twice at once, as far as the queue can tell. While it waits or is worked on, adding it again changes nothing;
 *   afterwards it is a new job.
 * - There is no order.
 * - Of what a process does of one kind at once, one owner has half at most, or one receiver of webhooks.
 */
export interface WorkQueue {
  /** Resolves when they are in the queue. Rejects, within a second or two, when it cannot be reached. */
  add(jobs: readonly Job[]): Promise<void>
  /**
   * Adds the job again and again, for the first time within the interval. Processes with the same queue that all ask for it get it
   * once, not once each. Lasts until the queue is closed, and longer where other processes have it.
   */
  schedule(kind: RepeatedKind, everyMs: number): void
  /** Begins to work. Called once; kinds that have no handler are left to others. */
  run(handlers: Handlers): void
  /** How many jobs of each kind wait. Rejects when the queue cannot be reached. */
  waiting(): Promise<Readonly<Record<JobKind, number>>>
  /**
   * Takes up nothing more, breaks off what is under way, so that others are given it, and resolves when that is so, or after about two
   * seconds: a process that does not answer to the signal loses its jobs to others later.
   */
  close(): Promise<void>
}

/** What every queue tells. */
export interface QueueEvents {
  /** A handler rejected, though nobody had asked it to stop. */
  readonly onJobFault: (job: Job, fault: unknown) => void
}
