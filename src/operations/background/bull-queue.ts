import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type * as BullMq from 'bullmq'
import type { Cluster, Redis } from 'ioredis'
import type { Clock } from '../../coordinator/ports.js'
import { atMost } from './at-most.js'
import { BullWorker } from './bull-worker.js'
import { FaultsOnce } from './faults-once.js'
import { JOB_KINDS, type Job, type JobKind, keyOf, type RepeatedKind } from './job.js'
import type { Handlers, QueueEvents, WorkQueue } from './work-queue.js'

export interface BullQueueOptions extends QueueEvents {
  /**
   * Opens a connection, which the queue closes; it makes more by `duplicate`. It needs `maxRetriesPerRequest: null`, and must not have a
   * `keyPrefix`. Redis need not be there yet.
   */
  readonly connect: () => Redis | Cluster
  /** Of the keys. With a `{hash tag}`, as a Cluster must have all of them in one slot. */
  readonly prefix: string
  readonly clock: Clock
  /** Told when Redis is away, once each time. */
  readonly onFault: (fault: Error) => void
  /** How long a job is left to a process that says nothing, in milliseconds; others have it within twice that. @default 5 s */
  readonly lockMs?: number
  /** How often it is seen to that what is repeated still is, in milliseconds. @default 15 s */
  readonly renewMs?: number
  /** How long `close` waits for what it breaks off, in milliseconds. @default 1.5 s */
  readonly closeMs?: number
}

/** In Redis at once, of a kind: what is added beyond that is found again in the store. */
const MOST_WAITING = 1_000
const CALL_MS = 1_000
/** BullMQ tells of every step in a stream of each queue, which nobody here reads. */
const EVENTS_KEPT = 100
/** How late the next run of what is repeated may be before it is thought lost. */
const LATE_MS = 60_000

/** Loads BullMQ, and gives a queue in Redis that any number of processes share. */
export async function openBullQueue(options: BullQueueOptions): Promise<WorkQueue> {
  return new BullQueue(await import('bullmq'), options)
}

interface Schedule {
  readonly kind: RepeatedKind
  readonly every: number
  /** Whether Redis has been told of it. */
  isSet: boolean
}

/**
 * Each kind has a queue of its own, as a worker of BullMQ takes whatever is in one. Jobs have a fixed id, so that they are there once, and are removed
 * when they are over, so that they can come again.
 */
class BullQueue implements WorkQueue {
  readonly #bull: typeof BullMq
  readonly #options: BullQueueOptions
  readonly #connection: Redis | Cluster
  /** Those of the workers. */
  readonly #copies: (Redis | Cluster)[] = []
  readonly #faults: FaultsOnce
  readonly #queues: ReadonlyMap<JobKind, BullMq.Queue>
  readonly #workers: BullWorker[] = []
  readonly #schedules: Schedule[] = []
  #renewal: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined

  constructor(bull: typeof BullMq, options: BullQueueOptions) {
    this.#bull = bull
    this.#options = options
    this.#faults = new FaultsOnce(options.onFault)
    this.#connection = this.#tracked(options.connect())
    this.#connection.on('error', this.#faults.fault)
    this.#connection.on('ready', () => {
      this.#faults.over()
      void this.#renew()
    })
    this.#queues = new Map(JOB_KINDS.map((kind) => [kind, this.#queue(kind)]))
  }

  async add(jobs: readonly Job[]): Promise<void> {
    await this.#call(async () => {
      await Promise.all(JOB_KINDS.map((kind) => this.#addTo(kind, jobs)))
    })
  }

  schedule(kind: RepeatedKind, everyMs: number): void {
    this.#schedules.push({ kind, every: everyMs, isSet: false })
    void this.#renew()
    this.#renewal ??= setInterval(() => void this.#renew(), this.#options.renewMs ?? 15_000).unref()
  }

  run(handlers: Handlers): void {
    if (this.#closed) return
    for (const kind of JOB_KINDS) {
      const atOnce = handlers[kind]?.atOnce
      if (atOnce === undefined) continue
      const lockDuration = this.#options.lockMs ?? 5_000
      const settings = { ...this.#settings(), lockDuration, stalledInterval: lockDuration }
      const { onJobFault, clock } = this.#options
      const told = { onJobFault, onFault: this.#faults.fault, now: () => clock.now() }
      this.#workers.push(new BullWorker(this.#bull, { kind, atOnce, handlers, settings, ...told }))
    }
  }

  async waiting(): Promise<Readonly<Record<JobKind, number>>> {
    return await this.#call(async () => {
      const counts = JOB_KINDS.map(async (kind) => [kind, await this.#waitingOf(kind)] as const)
      const of = new Map<JobKind, number>(await Promise.all(counts))
      return {
        settle: of.get('settle') ?? 0,
        deliver: of.get('deliver') ?? 0,
        sweep: of.get('sweep') ?? 0,
        janitor: of.get('janitor') ?? 0,
      }
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#faults.stop()
    clearInterval(this.#renewal)
    const isAway = this.#connection.status !== 'ready'
    const closed = Promise.all(this.#workers.map((worker) => worker.close(isAway)))
    await atMost(this.#options.closeMs ?? 1_500, closed)
    // Also ends what still waits for Redis.
    for (const one of [this.#connection, ...this.#copies]) one.disconnect()
    await Promise.all(Array.from(this.#queues.values(), (queue) => queue.close()))
  }

  async #addTo(kind: JobKind, jobs: readonly Job[]): Promise<void> {
    const own = jobs.filter((job) => job.kind === kind)
    if (own.length === 0 || (await this.#waitingOf(kind)) >= MOST_WAITING) return
    const bulk = own.map((job) => ({ name: kind, data: job, opts: { jobId: idOf(job) } }))
    await this.#queues.get(kind)?.addBulk(bulk)
  }

  async #waitingOf(kind: JobKind): Promise<number> {
    return (await this.#queues.get(kind)?.getJobCountByTypes('wait', 'delayed')) ?? 0
  }

  /** Sees to that Redis knows what is to be repeated. Where that fails, it is tried again soon. */
  async #renew(): Promise<void> {
    if (this.#connection.status !== 'ready') return
    const renewed = this.#schedules.map((schedule) => this.#renewOne(schedule))
    await Promise.all(renewed).catch(this.#faults.fault)
  }

  /** One that is there already is left alone: servers with other intervals would change it again and again. */
  async #renewOne(schedule: Schedule): Promise<void> {
    const { kind, every, isSet } = schedule
    const queue = this.#queues.get(kind)
    if (isSet) {
      const next = (await this.#call(async () => queue?.getJobScheduler(kind)))?.next ?? 0
      if (next > this.#options.clock.now() - LATE_MS) return
    }
    const template = { name: kind, data: { kind } }
    await this.#call(async () => queue?.upsertJobScheduler(kind, { every }, template))
    schedule.isSet = true
  }

  /** BullMQ itself waits until Redis is there, however long that takes. */
  async #call<T>(call: () => Promise<T>): Promise<T> {
    if (this.#connection.status !== 'ready') {
      await once(this.#connection, 'ready', { signal: AbortSignal.timeout(CALL_MS) })
    }
    const result = call()
    if (!(await atMost(CALL_MS, result))) throw new Error('the queue does not answer')
    return await result
  }

  /** BullMQ does not end a copy that has never been connected, and it would try for ever. */
  #tracked(connection: Redis | Cluster): Redis | Cluster {
    const duplicate: (...args: never[]) => Redis | Cluster = connection.duplicate.bind(connection)
    const tracking = (...args: never[]) => {
      const copy = duplicate(...args)
      this.#copies.push(copy)
      return copy
    }
    return Object.assign(connection, { duplicate: tracking })
  }

  #queue(kind: JobKind): BullMq.Queue {
    const queue = new this.#bull.Queue(kind, {
      ...this.#settings(),
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      streams: { events: { maxLen: EVENTS_KEPT } },
    })
    queue.on('error', this.#faults.fault)
    return queue
  }

  #settings(): BullMq.QueueOptions {
    const { prefix } = this.#options
    // What it would check of the version and of evictions it writes to the console; `partway doctor` tells.
    return { connection: this.#connection, prefix, skipVersionCheck: true }
  }
}

/** Of letters that BullMQ has no use for itself; not a mere number, which it refuses. */
function idOf(job: Job): string {
  return `${job.kind}-${createHash('sha256').update(keyOf(job)).digest('base64url')}`
}
