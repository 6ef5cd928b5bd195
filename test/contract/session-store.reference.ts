import type {
  BeginOutcome,
  BeginStep,
  ClaimOutcome,
  ClaimStep,
  ListUploads,
  OpenStep,
  PartsChange,
  RecordOutcome,
  ReplaceStep,
  SessionStore,
  SettleStep,
  UploadPage,
  UploadRef,
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
import { isPartChecksum } from '../../src/protocol/index.js'

interface Entry {
  upload: Upload
  parts: ReadonlyMap<number, PartRecord>
  revision: number
  fence: number
  leaseUntil: number
  judged: number
}

/** The port's sentences in memory, as plainly as can be: what the adapters are compared with. */
export class ModelStore implements SessionStore {
  readonly #entries = new Map<string, Entry>()
  /** Of the latest claim of all, so that fences grow even where a record has been forgotten. */
  #fence = 0

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
      if (old.upload.state === 'uploading')
        old.upload = { ...old.upload, ...later(old.upload, step) }
      return { kind: 'exists', session: sessionOf(old) }
    }
    const { expiresAt, keepUntil } = step
    const epoch = (old?.upload.epoch ?? 0) + 1
    const judged = (old?.upload.state === 'creating' ? old.judged : old?.upload.epoch) ?? 0
    const fence = ++this.#fence
    const upload = { ...draft, expiresAt, keepUntil, state: 'creating', epoch } as const
    const leaseUntil = step.now + step.leaseMs
    const parts = new Map()
    this.#entries.set(draft.id, { upload, parts, revision: 0, fence, leaseUntil, judged })
    return { kind: 'created', epoch, fence, judged }
  }

  async open(ref: UploadRef, { fence, multipartId, now, adopted }: OpenStep): Promise<boolean> {
    const entry = this.#at(ref, now)
    if (entry?.upload.state !== 'creating' || entry.fence !== fence) return false
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

  async claim(ref: UploadRef, { to, now, leaseMs }: ClaimStep): Promise<ClaimOutcome> {
    const entry = this.#at(ref, now)
    if (entry === undefined) return { kind: 'not-found' }
    const { upload, leaseUntil } = entry
    if (upload.state !== 'creating' && leaseUntil > now) {
      return { kind: 'busy', state: upload.state, retryAfterMs: leaseUntil - now }
    }
    const isOpen = upload.state === 'uploading' && (to === 'aborting' || !isOverdue(upload, now))
    if (!isOpen && upload.state !== to) return { kind: 'wrong-state', upload }
    entry.upload = { ...upload, state: to }
    entry.fence = ++this.#fence
    entry.leaseUntil = now + leaseMs
    return { kind: 'claimed', session: sessionOf(entry), fence: entry.fence }
  }

  async settle(ref: UploadRef, step: SettleStep): Promise<boolean> {
    const entry = this.#at(ref, step.now)
    if (entry?.upload.state !== step.from || entry.fence !== step.fence) return false
    const { expiresAt, keepUntil } = step.to === 'uploading' ? later(entry.upload, step) : step
    const object = step.object === undefined ? {} : { object: step.object }
    const { epoch = entry.upload.epoch } = step
    entry.upload = { ...entry.upload, ...object, epoch, state: step.to, expiresAt, keepUntil }
    entry.leaseUntil = 0
    return true
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

  async check(): Promise<void> {}

  async close(): Promise<void> {}

  #at({ id }: UploadRef, now: number): Entry | undefined {
    const entry = this.#entries.get(id)
    return entry !== undefined && entry.upload.keepUntil > now ? entry : undefined
  }
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
