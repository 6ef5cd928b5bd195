import type {
  BeginOutcome,
  BeginStep,
  ClaimOutcome,
  ClaimStep,
  DueQuery,
  ExtendStep,
  ListUploads,
  OpenStep,
  PartsChange,
  RecordOutcome,
  ReplaceStep,
  SessionStore,
  SettleStep,
  UnfinishedPage,
  UploadPage,
  UploadRef,
  Usage,
} from '../../src/coordinator/ports.js'
import {
  isArrived,
  isOverdue,
  type Lifetime,
  type PartRecord,
  type Session,
  type Upload,
  type UploadDraft,
} from '../../src/coordinator/session.js'
import { dayOf, exceeded } from '../../src/coordinator/usage.js'
import { isPartChecksum } from '../../src/protocol/index.js'

interface Entry {
  upload: Upload
  parts: ReadonlyMap<number, PartRecord>
  revision: number
  fence: number
  leaseUntil: number
  judged: number
  attempts: number
  /** Whether it took the place of one that had lost its parts or its object. */
  isRenewed: boolean
  urls: number
  urlsDay: number
}

/** The port's sentences in memory, as plainly as can be: what the adapters are compared with. */
export class ModelStore implements SessionStore {
  readonly #entries = new Map<string, Entry>()
  /** The entry that settled last with a content, by owner and content. */
  readonly #contents = new Map<string, Entry>()
  /** Of the latest claim of all, so that fences grow even where a record has been forgotten. */
  #fence = 0
  /** When each upload was opened that nobody had opened before. */
  readonly #openings: number[] = []

  async begin(draft: UploadDraft, step: BeginStep): Promise<BeginOutcome> {
    const old = this.#at(draft, step.now)
    const isHeld = old !== undefined && old.leaseUntil > step.now
    const isEnded = ['failed', 'aborted', 'expired'].includes(old?.upload.state ?? '')
    const isSuperseded = !isEnded && old?.upload.epoch === step.supersedes
    const isClaimable = old?.upload.state === 'creating' || isSuperseded
    const isGone = old === undefined || (isEnded && step.supersedes === undefined)
    if (old !== undefined && isClaimable && isHeld) {
      return { kind: 'busy', retryAfterMs: old.leaseUntil - step.now }
    }
    if (old !== undefined && !isClaimable && !isGone) {
      if (old.upload.state !== 'uploading') return { kind: 'exists', session: sessionOf(old) }
      const again = { ...old, upload: { ...old.upload, ...later(old.upload, step) } }
      const refused =
        spend(again, step, old.upload.totalChunks - arrivedIn(old)) ??
        this.#refused(step, old, again)
      if (refused !== undefined) return refused
      this.#entries.set(draft.id, Object.assign(old, again))
      return { kind: 'exists', session: sessionOf(old) }
    }
    const { expiresAt, keepUntil } = step
    const epoch = (old?.upload.epoch ?? 0) + 1
    const judged = (old?.upload.state === 'creating' ? old.judged : old?.upload.epoch) ?? 0
    const fence = ++this.#fence
    const upload = { ...draft, expiresAt, keepUntil, state: 'creating', epoch } as const
    const leaseUntil = step.now + step.leaseMs
    const parts = new Map()
    const revision = 0
    const isEndedOrNone = old === undefined || isEnded
    const isRenewed = !isEndedOrNone && (old.upload.state !== 'creating' || old.isRenewed)
    const counts = { judged, attempts: 0, isRenewed, urls: 0, urlsDay: 0 }
    const entry = { upload, parts, revision, fence, leaseUntil, ...counts }
    const refused = spend(entry, step, draft.totalChunks) ?? this.#refused(step, old, entry)
    if (refused !== undefined) return refused
    this.#entries.set(draft.id, entry)
    const twin = this.#twin(draft, step)
    return { kind: 'created', epoch, fence, judged, ...(twin && { twin }) }
  }

  async open(ref: UploadRef, { fence, multipartId, now, adopted }: OpenStep): Promise<boolean> {
    const entry = this.#at(ref, now)
    if (entry?.upload.state !== 'creating' || entry.fence !== fence) return false
    if (!entry.isRenewed) this.#openings.push(now)
    const found = adopted && { adopted }
    entry.upload = { ...entry.upload, state: 'uploading', multipartId, ...found }
    entry.leaseUntil = 0
    return true
  }

  async find(ref: UploadRef, now: number): Promise<Session | undefined> {
    const entry = this.#at(ref, now)
    return entry && sessionOf(entry)
  }

  async recordParts(ref: UploadRef, change: PartsChange): Promise<RecordOutcome> {
    const entry = this.#at(ref, change.now)
    if (entry === undefined) return { kind: 'not-found' }
    const { upload } = entry
    if (upload.state !== 'uploading' || isOverdue(upload, change.now)) {
      return { kind: 'wrong-state', upload }
    }
    const parts = new Map(entry.parts)
    for (const { index, checksum } of change.signed) {
      const refused = refusal(upload, { index, checksum })
      if (refused !== undefined) return refused
      if (parts.get(index)?.checksum !== checksum) parts.set(index, { index, checksum })
    }
    for (const part of change.arrived) {
      const refused = refusal(upload, part)
      if (refused !== undefined) return refused
      const known = parts.get(part.index)?.checksum
      if (known !== undefined && part.checksum !== undefined && known !== part.checksum) {
        return { kind: 'checksum-differs', index: part.index }
      }
      parts.set(part.index, { ...(known === undefined ? {} : { checksum: known }), ...part })
    }
    const over = spend(entry, change, Number.POSITIVE_INFINITY)
    if (over !== undefined) return over
    entry.parts = parts
    entry.revision++
    entry.upload = { ...upload, ...later(upload, change) }
    return { kind: 'recorded', upload: entry.upload, arrivedCount: arrivedIn(entry) }
  }

  async replaceParts({ id }: UploadRef, step: ReplaceStep): Promise<boolean> {
    const entry = this.#entries.get(id)
    if (entry?.upload.epoch !== step.epoch || entry.revision !== step.revision) return false
    if (!['uploading', 'completing'].includes(entry.upload.state)) return false
    entry.parts = new Map(step.parts.map((part) => [part.index, part]))
    entry.revision++
    return true
  }

  async claim(ref: UploadRef, step: ClaimStep): Promise<ClaimOutcome> {
    const { to, now, leaseMs } = step
    const entry = this.#at(ref, now)
    if (entry === undefined) return { kind: 'not-found' }
    const { upload, leaseUntil } = entry
    if (upload.state !== 'creating' && leaseUntil > now) {
      return { kind: 'busy', state: upload.state, retryAfterMs: leaseUntil - now }
    }
    const from: Record<typeof to, readonly string[]> = {
      completing: isOverdue(upload, now) ? ['completing'] : ['completing', 'uploading'],
      verifying: ['verifying', 'completed'],
      aborting: ['aborting', 'uploading'],
    }
    if (!from[to].includes(upload.state)) return { kind: 'wrong-state', upload }
    const { maxStoredBytes: max } = step
    const { storedBytes: used } = await this.usage(ref.owner, now)
    const isCompleted = upload.state === 'uploading' && to === 'completing'
    if (isCompleted && max !== undefined && used + upload.size > max) {
      return { kind: 'over-limit', limit: 'maxStoredBytes', max, used, asked: upload.size }
    }
    if (upload.state !== to) entry.attempts = 0
    if (leaseMs > 0) entry.attempts++
    const { expectedHash = upload.expectedHash } = step
    const standing = upload.state === 'completed' && { standing: true as const }
    entry.upload = { ...upload, state: to, ...(expectedHash && { expectedHash }), ...standing }
    entry.fence = ++this.#fence
    entry.leaseUntil = now + leaseMs
    const { fence, attempts } = entry
    return { kind: 'claimed', session: sessionOf(entry), fence, attempt: attempts }
  }

  async extend(ref: UploadRef, { state, fence, now, leaseMs }: ExtendStep): Promise<boolean> {
    const entry = this.#at(ref, now)
    if (entry?.upload.state !== state || entry.fence !== fence) return false
    entry.leaseUntil = now + leaseMs
    return true
  }

  async settle(ref: UploadRef, step: SettleStep): Promise<boolean> {
    const entry = this.#at(ref, step.now)
    if (entry?.upload.state !== step.from || entry.fence !== step.fence) return false
    const { expiresAt, keepUntil } = step.to === 'uploading' ? later(entry.upload, step) : step
    const object = step.object === undefined ? {} : { object: step.object }
    if (step.from === 'creating' && !entry.isRenewed) this.#openings.push(step.now)
    const { epoch = entry.upload.epoch } = step
    const { standing: _, ...upload } = entry.upload
    entry.upload = { ...upload, ...object, epoch, state: step.to, expiresAt, keepUntil }
    entry.leaseUntil = step.to === 'verifying' ? step.now : 0
    entry.attempts = 0
    const contents = step.to === 'completed' ? (step.contents ?? []) : []
    for (const content of contents) this.#contents.set(`${ref.owner} ${content}`, entry)
    return true
  }

  async due({ now, limit }: DueQuery): Promise<UploadRef[]> {
    return [...this.#entries.values()]
      .filter(({ upload }) => ['completing', 'aborting', 'verifying'].includes(upload.state))
      .filter(({ upload, leaseUntil }) => leaseUntil <= now && upload.keepUntil > now)
      .sort((a, b) => a.leaseUntil - b.leaseUntil)
      .slice(0, limit)
      .map(({ upload: { owner, id } }) => ({ owner, id }))
  }

  async overdue({ now, limit }: DueQuery): Promise<UploadRef[]> {
    return [...this.#entries.values()]
      .filter(({ upload }) => upload.state === 'uploading' || upload.state === 'creating')
      .filter(({ upload, leaseUntil }) => upload.expiresAt <= now && leaseUntil <= now)
      .filter(({ upload }) => upload.keepUntil > now)
      .sort((a, b) => a.upload.expiresAt - b.upload.expiresAt)
      .slice(0, limit)
      .map(({ upload: { owner, id } }) => ({ owner, id }))
  }

  async unfinished(): Promise<UnfinishedPage> {
    const states = ['creating', 'uploading', 'completing', 'aborting']
    return {
      refs: [...this.#entries.values()]
        .filter(({ upload }) => states.includes(upload.state))
        .map(({ upload: { owner, id } }) => ({ owner, id })),
    }
  }

  async purge({ now, limit }: DueQuery): Promise<number> {
    const ended = [...this.#entries].filter(([, { upload }]) => upload.keepUntil <= now)
    for (const [id] of ended.slice(0, limit)) this.#entries.delete(id)
    return Math.min(ended.length, limit)
  }

  /** One page of all. */
  async list(_owner: string, { now }: ListUploads): Promise<UploadPage> {
    const entries = [...this.#entries.values()]
      .filter(({ upload }) => upload.keepUntil > now && upload.state !== 'creating')
      .sort((a, b) => (a.upload.id < b.upload.id ? 1 : -1))
    return {
      uploads: entries.map((entry) => ({ upload: entry.upload, arrivedCount: arrivedIn(entry) })),
    }
  }

  async usage(_owner: string, now: number): Promise<Usage> {
    return this.#usage(now, [...this.#entries.values()])
  }

  async check(): Promise<void> {}

  async close(): Promise<void> {}

  #usage(now: number, entries: readonly Entry[]): Usage {
    const known = entries.filter(({ upload }) => upload.keepUntil > now)
    const open = known.filter((entry) => isOpen(entry, now))
    const stored = known.filter(
      ({ upload: { state, standing } }) => state === 'completed' || standing,
    )
    const today = this.#openings.filter((at) => dayOf(at) === dayOf(now))
    const opening = open.filter(
      ({ upload, isRenewed }) => upload.state === 'creating' && !isRenewed,
    )
    return {
      openUploads: open.length,
      reservedBytes: sizes(open),
      storedBytes: sizes(stored),
      uploadsToday: today.length + opening.length,
    }
  }

  /** Whether there is no room for `next` in place of `old`. */
  #refused({ now, limits = {} }: BeginStep, old: Entry | undefined, next: Entry) {
    const others = [...this.#entries.values()].filter((entry) => entry !== old)
    const before = this.#usage(now, [...others, ...(old === undefined ? [] : [old])])
    const limit = exceeded(limits, before, this.#usage(now, [...others, next]))
    return limit && ({ kind: 'over-limit', ...limit } as const)
  }

  #twin({ owner }: UploadDraft, { content, now }: BeginStep): Upload | undefined {
    const entry = this.#contents.get(`${owner} ${content}`)
    if (entry === undefined || this.#at(entry.upload, now) !== entry) return undefined
    return entry.upload.state === 'completed' ? entry.upload : undefined
  }

  #at({ id }: UploadRef, now: number): Entry | undefined {
    const entry = this.#entries.get(id)
    return entry !== undefined && entry.upload.keepUntil > now ? entry : undefined
  }
}

function isOpen({ upload, leaseUntil }: Entry, now: number): boolean {
  const { state, expiresAt, standing } = upload
  if (state === 'creating') return leaseUntil > now
  if (state === 'uploading' || state === 'aborting') return expiresAt > now
  return state === 'completing' || (state === 'verifying' && standing !== true)
}

function sizes(entries: readonly Entry[]): number {
  return entries.reduce((sum, { upload }) => sum + upload.size, 0)
}

/** What is wrong with signing so many URLs; else they are counted. */
function spend(
  entry: Entry,
  { now, signing }: Pick<BeginStep, 'now' | 'signing'>,
  most: number,
): { kind: 'over-budget'; used: number; max: number } | undefined {
  if (signing === undefined) return undefined
  const urls = Math.min(signing.urls, most)
  const used = entry.urlsDay === dayOf(now) ? entry.urls : 0
  const max = signing.perPart * entry.upload.totalChunks + signing.spare
  if (urls > 0 && used + urls > max) return { kind: 'over-budget', used, max }
  entry.urls = used + urls
  entry.urlsDay = dayOf(now)
  return undefined
}

function refusal(upload: Upload, { index, checksum }: PartRecord): RecordOutcome | undefined {
  const { totalChunks } = upload
  if (index < 1 || index > totalChunks) return { kind: 'index-out-of-range', index, totalChunks }
  if (checksum === undefined || isPartChecksum(upload.checksum, checksum)) return undefined
  return { kind: 'checksum-malformed', index, upload }
}

function later(upload: Lifetime, step: Lifetime): Lifetime {
  return {
    expiresAt: Math.max(upload.expiresAt, step.expiresAt),
    keepUntil: Math.max(upload.keepUntil, step.keepUntil),
  }
}

function sessionOf({ upload, parts, revision }: Entry): Session {
  const known = [...parts.values()].filter(
    ({ checksum, etag }) => checksum !== undefined || etag !== undefined,
  )
  return { upload, parts: known.sort((a, b) => a.index - b.index), revision }
}

function arrivedIn({ parts }: Entry): number {
  return [...parts.values()].filter(isArrived).length
}
