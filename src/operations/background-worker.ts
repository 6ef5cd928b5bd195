import type { Partway } from '../coordinator/partway.js'
import type { UploadRef } from '../coordinator/ports.js'

export interface BackgroundWorkerOptions {
  readonly partway: Pick<Partway, 'due' | 'resume'>
  /** Uploads that are worked on at once. @default 2 */
  readonly concurrency?: number
  /** How often the store is asked for work that nobody announced here, in milliseconds. @default 5 s */
  readonly pollMs?: number
  /** Told of work that could not be finished; it is tried again when it is due again. */
  readonly onFault: (ref: UploadRef, fault: unknown) => void
  /** Told when the store could not be asked for work. */
  readonly onPollFault: (fault: unknown) => void
}

/** Asked for at once. What waits longest comes first, so an upload that always fails keeps nobody waiting. */
const BATCH = 50
/** Known at once: what is announced beyond that is found again in the store. */
const MAX_QUEUE = 1_000

/**
 * Does what no client waits for: verifies whole files, and finishes completions and aborts that another
 * process left. Any number of processes may each have one; the store's claims keep them apart. Everything it
 * does can be broken off at any point, and is taken up again by any of them.
 */
export class BackgroundWorker {
  readonly #options: BackgroundWorkerOptions
  readonly #concurrency: number
  readonly #queue = new Map<string, UploadRef>()
  readonly #running = new Map<string, { readonly ref: UploadRef; readonly work: Promise<void> }>()
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #poll: Promise<void> | undefined

  constructor(options: BackgroundWorkerOptions) {
    this.#options = options
    this.#concurrency = options.concurrency ?? 2
  }

  /** Begins to ask the store, at once and then regularly. */
  start(): void {
    if (this.#stopping.signal.aborted) return
    this.#poll = this.#ask().finally(() => {
      if (this.#stopping.signal.aborted) return
      this.#timer = setTimeout(() => this.start(), this.#options.pollMs ?? 5_000)
      this.#timer.unref()
    })
  }

  /** Takes up that upload as soon as there is room. */
  add(ref: UploadRef): void {
    const key = keyOf(ref)
    if (this.#running.has(key) || this.#queue.size >= MAX_QUEUE) return
    this.#queue.set(key, ref)
    this.#fill()
  }

  /** Breaks off what is being done, so that it is due for others, and resolves when that is so. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stopping.abort()
    this.#queue.clear()
    await Promise.all([this.#poll, ...Array.from(this.#running.values(), ({ work }) => work)])
  }

  async #ask(): Promise<void> {
    try {
      for (const ref of await this.#options.partway.due(BATCH)) this.add(ref)
    } catch (fault) {
      this.#options.onPollFault(fault)
    }
  }

  #fill(): void {
    if (this.#stopping.signal.aborted) return
    for (const [key, ref] of this.#queue) {
      if (this.#running.size >= this.#concurrency) return
      if (!this.#mayRun(ref)) continue
      this.#queue.delete(key)
      const work = this.#run(ref).finally(() => {
        this.#running.delete(key)
        this.#fill()
      })
      this.#running.set(key, { ref, work })
    }
  }

  /** One owner has half of the room at most, so that nobody waits for all that another has sent. */
  #mayRun({ owner }: UploadRef): boolean {
    const own = [...this.#running.values()].filter(({ ref }) => ref.owner === owner)
    return own.length < Math.max(1, Math.floor(this.#concurrency / 2))
  }

  async #run(ref: UploadRef): Promise<void> {
    const { signal } = this.#stopping
    try {
      await this.#options.partway.resume(ref, signal)
    } catch (fault) {
      if (!signal.aborted) this.#options.onFault(ref, fault)
    }
  }
}

function keyOf({ owner, id }: UploadRef): string {
  return JSON.stringify([owner, id])
}
