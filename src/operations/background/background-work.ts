import type { CleanUpReport } from '../../coordinator/clean-up.js'
import type { Partway } from '../../coordinator/partway.js'
import type { EventRef, UploadRef } from '../../coordinator/ports.js'
import type { Job } from './job.js'
import type { Handler, Handlers, WorkQueue } from './work-queue.js'

export interface BackgroundWorkOptions {
  readonly partway: Pick<Partway, 'due' | 'resume' | 'cleanUp'>
  readonly queue: WorkQueue
  /** Uploads that this process works on at once; 0 leaves all work to others, and only tells them of it. @default 2 */
  readonly concurrency?: number
  /** How often the store is asked for work that nobody has announced, in milliseconds. @default 5 s */
  readonly sweepMs?: number
  /** How often uploads past their time are given up, in milliseconds. @default 5 min */
  readonly janitorMs?: number
  /** Delivers to webhooks, where there are any: `WebhookDeliverer`. */
  readonly webhooks?: WebhookWork
  /** Told what a run of the janitor has done. */
  readonly onClean: (report: CleanUpReport) => void
  /** Told of an upload that could not be given up; it is tried again. */
  readonly onCleanFault: (ref: UploadRef, fault: unknown) => void
  /** Told when the queue could not be reached. */
  readonly onQueueFault: (fault: unknown) => void
}

export interface WebhookWork {
  readonly handler: Handler<'deliver'>
  /** What is to be delivered now. */
  due(): Promise<readonly EventRef[]>
  /** Whether to tell the queue of one before it is asked what is due. */
  isWanted(event: EventRef): boolean
}

/** Asked for at once. What waits longest comes first, so an upload that always fails keeps nobody waiting. */
const BATCH = 500

/**
 * Does what no client waits for: verifies whole files, finishes completions and aborts that another process left, and cleans up.
 * Any number of processes may each have one; the store's claims keep them apart. Everything it does can be broken off at any point, and is taken up
 * again by any of them.
 */
export class BackgroundWork {
  readonly #options: BackgroundWorkOptions

  constructor(options: BackgroundWorkOptions) {
    this.#options = options
  }

  start(): void {
    const { queue, concurrency = 2, sweepMs = 5_000, janitorMs = 5 * 60_000 } = this.#options
    if (concurrency === 0) return
    queue.run(this.#handlers(concurrency))
    queue.schedule('sweep', sweepMs)
    queue.schedule('janitor', janitorMs)
    this.#add([{ kind: 'sweep' }])
  }

  /** Has that upload taken up as soon as somebody has room for it. */
  announce({ owner, id }: UploadRef): void {
    this.#add([{ kind: 'settle', owner, id }])
  }

  /** Has that event delivered as soon as somebody has room for it. */
  announceEvent(event: EventRef): void {
    if (this.#options.webhooks?.isWanted(event)) this.#add([deliverJob(event)])
  }

  /** Breaks off what is being done, so that it is due for others, and resolves when that is so. */
  async stop(): Promise<void> {
    await this.#options.queue.close()
  }

  #handlers(atOnce: number): Handlers {
    const { partway, webhooks } = this.#options
    return {
      settle: { atOnce, run: ({ owner, id }, signal) => partway.resume({ owner, id }, signal) },
      sweep: { atOnce: 1, run: () => this.#sweep() },
      janitor: { atOnce: 1, run: (_, signal) => this.#cleanUp(signal) },
      ...(webhooks && { deliver: webhooks.handler }),
    }
  }

  async #sweep(): Promise<void> {
    const { partway, queue, webhooks } = this.#options
    const uploads = (await partway.due(BATCH)).map(({ owner, id }): Job => {
      return { kind: 'settle', owner, id }
    })
    await queue.add(uploads)
    if (webhooks !== undefined) await queue.add((await webhooks.due()).map(deliverJob))
  }

  async #cleanUp(signal: AbortSignal): Promise<void> {
    const { partway, onClean, onCleanFault } = this.#options
    onClean(await partway.cleanUp({ onFault: onCleanFault, signal }))
    signal.throwIfAborted()
  }

  #add(jobs: readonly Job[]): void {
    const { queue, onQueueFault } = this.#options
    queue.add(jobs).catch(onQueueFault)
  }
}

function deliverJob({ owner, id, target }: EventRef): Job {
  return { kind: 'deliver', owner, id, target }
}
