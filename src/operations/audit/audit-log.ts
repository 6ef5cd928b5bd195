import { randomBytes } from 'node:crypto'
import type { Clock } from '../../coordinator/ports.js'
import type { UploadState } from '../../protocol/index.js'
import { type ChainHead, NO_HASH, nextLine, SEGMENT_EVENT } from './audit-line.js'
import type { AuditSink } from './audit-sink.js'

/**
 * A decision. There is room for nothing else, so that no URL, token or secret gets in.
 */
export interface AuditEntry {
  /** Such as `request.init` or `upload.completed`. */
  readonly event: string
  readonly owner?: string
  readonly upload?: string
  readonly outcome?: 'granted' | 'refused' | 'failed'
  /** Of the reply. */
  readonly status?: number
  readonly code?: string
  readonly state?: UploadState
  /** The state that was left. */
  readonly from?: string
  readonly request?: string
}

export interface AuditLogOptions {
  readonly sink: AuditSink
  readonly clock: Pick<Clock, 'now'>
  /** How an owner is written. @default as it is */
  readonly ownerName?: (owner: string) => string
}

interface Waiting {
  /** Absent for whoever only wants to know whether the log can be written. */
  readonly fields?: AuditEntry & { readonly time: string }
  /** It has happened already, so it is written as soon as that is possible, even if nobody waits any more. */
  readonly isOwed: boolean
  /** Its place when it was last tried. */
  tried?: ChainHead
  readonly resolve: () => void
  readonly reject: (fault: unknown) => void
}

/** Lines written at once. */
const BATCH = 500
/** That have happened, and are kept until they can be written. While requests are refused there are few. */
const MAX_OWED = 1_000

/**
 * An append-only log of decisions, each tied to the one before it. Lines have the order of the calls. Those that
 * wait while others are written are written together.
 */
export class AuditLog {
  readonly #options: AuditLogOptions
  #head: ChainHead | undefined
  #mustOpen = true
  #isFailing = false
  #queue: Waiting[] = []
  #owed: Waiting[] = []
  #isWriting = false
  #isClosed = false

  constructor(options: AuditLogOptions) {
    this.#options = options
  }

  /** The last record that is known to be written. */
  get head(): ChainHead | undefined {
    return this.#head
  }

  /** Whether the last lines could not be written. */
  get isFailing(): boolean {
    return this.#isFailing
  }

  /** Resolves when lines can be written, as far as is known, and tries it after a failure. */
  async ready(): Promise<void> {
    if (this.#mustOpen || this.#isFailing) await this.#enqueue({ isOwed: false })
  }

  /** Resolves when the decision is written. When that fails it is not written later either. */
  record(entry: AuditEntry): Promise<void> {
    return this.#enqueue({ fields: this.#fields(entry), isOwed: false })
  }

  /**
   * The same for what cannot be taken back. It rejects, too, when it cannot be written now, and is then written
   * before anything else as soon as that is possible.
   */
  recordDone(entry: AuditEntry): Promise<void> {
    return this.#enqueue({ fields: this.#fields(entry), isOwed: true })
  }

  /** Opens the sink again, after its file was moved away. */
  async reopen(): Promise<void> {
    this.#mustOpen = true
    await this.ready()
  }

  /** Writes what waits, and says that the log ends here for now. */
  async close(): Promise<void> {
    const last = this.record({ event: 'audit.closed' })
    this.#isClosed = true
    try {
      await last
    } finally {
      await this.#options.sink.close()
    }
  }

  #fields({ event, owner, ...rest }: AuditEntry): AuditEntry & { readonly time: string } {
    const { clock, ownerName = asIs } = this.#options
    const time = new Date(clock.now()).toISOString()
    return { time, event, ...(owner === undefined ? {} : { owner: ownerName(owner) }), ...rest }
  }

  #enqueue(what: Pick<Waiting, 'fields' | 'isOwed'>): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('The audit log is closed'))
    const written = new Promise<void>((resolve, reject) => {
      this.#queue.push({ ...what, resolve, reject })
    })
    if (!this.#isWriting) void this.#drain()
    return written
  }

  async #drain(): Promise<void> {
    this.#isWriting = true
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH)
      try {
        await this.#write(batch)
        this.#isFailing = false
        for (const { resolve } of batch) resolve()
      } catch (fault) {
        this.#mustOpen = true
        this.#isFailing = true
        const owed = [...this.#owed, ...batch.filter(({ isOwed }) => isOwed)]
        this.#owed = owed.slice(0, MAX_OWED)
        for (const { reject } of batch) reject(fault)
      }
    }
    this.#isWriting = false
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const start = this.#mustOpen ? await this.#open() : { head: this.#head, text: '' }
    let head = start.head ?? newChain()
    let { text } = start
    for (const waiting of [...this.#owed, ...batch]) {
      if (waiting.fields === undefined) continue
      const line = nextLine(head, { ...waiting.fields })
      head = line.head
      text += line.text
      waiting.tried = head
    }
    if (text !== '') await this.#options.sink.append(text)
    this.#owed = []
    this.#head = head
  }

  /** What comes first after opening: how the lines from here on are tied to those before. */
  async #open(): Promise<{ readonly head: ChainHead; readonly text: string }> {
    this.#mustOpen = false
    const { head: found, torn, isMidLine } = await this.#options.sink.open()
    const before = found ?? this.#head ?? newChain()
    // What failed may have been written all the same, or a part of it.
    this.#owed = this.#owed.filter(({ tried }) => !isWritten(tried, found))
    const time = new Date(this.#options.clock.now()).toISOString()
    const { head, text } = nextLine(before, {
      time,
      event: SEGMENT_EVENT,
      prev: before.hash,
      ...(torn === undefined ? {} : { torn }),
    })
    return { head, text: isMidLine ? `\n${text}` : text }
  }
}

function isWritten(tried: ChainHead | undefined, found: ChainHead | undefined): boolean {
  if (tried === undefined || found === undefined) return false
  return tried.chain === found.chain && tried.seq <= found.seq
}

function newChain(): ChainHead {
  return { chain: randomBytes(8).toString('hex'), seq: 0, hash: NO_HASH }
}

function asIs(owner: string): string {
  return owner
}
