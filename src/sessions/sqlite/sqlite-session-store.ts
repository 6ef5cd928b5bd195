import type Database from 'libsql'
import type {
  BeginOutcome,
  BeginStep,
  ClaimOutcome,
  ClaimStep,
  DueQuery,
  Exceeded,
  ExtendStep,
  ListUploads,
  OpenStep,
  PartsChange,
  RecordOutcome,
  ReplaceStep,
  SessionStore,
  SettleStep,
  UnfinishedPage,
  UnfinishedQuery,
  UploadPage,
  UploadRef,
  Usage,
} from '../../coordinator/ports.js'
import type { Session, Upload, UploadDraft } from '../../coordinator/session.js'
import { exceeded, storedExceeded } from '../../coordinator/usage.js'
import { decodeCursor, encodeCursor, listEntry } from '../list-position.js'
import { refusedPart } from '../refused-part.js'
import { spend } from '../sign-budget.js'
import {
  decodeDraft,
  encodeDraft,
  encodeObject,
  toUpload,
  type UploadRecord,
} from '../stored-upload.js'
import { changedParts, refusalOf } from './changed-parts.js'
import { OwnerTable } from './owner-table.js'
import { PartTable } from './part-table.js'
import { ENDED, isClaimable, isRenewal, longer, roomOf } from './record-rules.js'
import { RolledBack } from './rolled-back.js'
import {
  arrivedIn,
  asRefs,
  asRow,
  asRows,
  byIndex,
  listedUpload,
  type Row,
  unfinishedPage,
  urlsOf,
} from './rows.js'
import { prepareStatements, type Statements } from './statements.js'

/** A place before the newest upload there can be. */
const BEFORE_ALL = { createdAt: Number.MAX_SAFE_INTEGER, id: '' }

/**
 * Sessions in a SQLite file, which any number of processes on one machine may share. Every step is one
 * transaction that is the file's only writer from its beginning on (`BEGIN IMMEDIATE`), and an
 * acknowledged one is on disk. Calls to SQLite are synchronous: each holds the event loop for as long as it takes.
 */
export class SqliteSessionStore implements SessionStore {
  readonly #db: Database.Database
  readonly #sql: Statements
  readonly #parts: PartTable
  readonly #owners: OwnerTable

  /** `db` must have this release's schema; `openSqliteSessionStore` sees to that. */
  constructor(db: Database.Database) {
    this.#db = db
    this.#sql = prepareStatements(db)
    this.#parts = new PartTable(db)
    this.#owners = new OwnerTable(db)
  }

  async begin(draft: UploadDraft, step: BeginStep): Promise<BeginOutcome> {
    return this.#withinLimits(draft, step, () => {
      const old = asRow(this.#sql.findAny.get([draft.owner, draft.id]))
      if (old !== undefined && old.keepUntil > step.now) {
        const isEnded = ENDED.has(old.state)
        const isSuperseded = !isEnded && old.epoch === step.supersedes
        if (isSuperseded || old.state === 'creating') {
          const left = old.leaseUntil - step.now
          if (left > 0) return { kind: 'busy', retryAfterMs: left }
        } else if (!isEnded || step.supersedes !== undefined) {
          return old.state === 'uploading'
            ? this.#join(step, old)
            : { kind: 'exists', session: this.#session(old) }
        }
        return this.#create(draft, step, old)
      }
      if (old !== undefined) this.#sql.delete.run([old.row])
      return this.#create(draft, step)
    })
  }

  async open(ref: UploadRef, { fence, multipartId, now, adopted }: OpenStep): Promise<boolean> {
    return this.#atomically(() => {
      const row = this.#find(ref, now)
      if (row?.state !== 'creating' || row.fence !== fence) return false
      const found = adopted && { adopted: 1 as const }
      this.#update(row, { state: 'uploading', leaseUntil: 0, multipartId, ...found })
      this.#owners.countOpened(ref.owner, row, now)
      return true
    })
  }

  async find(ref: UploadRef, now: number): Promise<Session | undefined> {
    return this.#db
      .transaction(() => {
        const row = this.#find(ref, now)
        return row === undefined ? undefined : this.#session(row)
      })
      .deferred()
  }

  async recordParts(ref: UploadRef, change: PartsChange): Promise<RecordOutcome> {
    return this.#atomically(() => {
      const row = this.#find(ref, change.now)
      if (row === undefined) return { kind: 'not-found' }
      const draft = decodeDraft(row.draft)
      const upload = toUpload(draft, row)
      if (row.state !== 'uploading' || row.expiresAt <= change.now) {
        return { kind: 'wrong-state', upload }
      }
      const indexes = [...change.signed, ...change.arrived].map(({ index }) => index)
      const known = this.#parts.around(row.row, draft.checksum, indexes)
      const parts = changedParts(draft, byIndex(known), change)
      if ('kind' in parts) return refusedPart(parts.kind, parts.index, upload)
      const spent = change.signing && spend(row, change.signing, { ...draft, now: change.now })
      if (spent?.kind === 'over-budget') return spent
      const changed = [...parts.values()]
      const had = known.filter(({ index }) => parts.has(index))
      this.#parts.put(row.row, draft.checksum, changed)
      const record = this.#update(row, {
        ...longer(row, change),
        revision: row.revision + (changed.length > 0 ? 1 : 0),
        arrived: row.arrived + arrivedIn(changed) - arrivedIn(had),
        ...urlsOf(spent),
      })
      return { kind: 'recorded', upload: toUpload(draft, record), arrivedCount: record.arrived }
    })
  }

  async replaceParts(ref: UploadRef, step: ReplaceStep): Promise<boolean> {
    return this.#atomically(() => {
      const row = asRow(this.#sql.findAny.get([ref.owner, ref.id]))
      if (row?.epoch !== step.epoch || row.revision !== step.revision) return false
      if (row.state !== 'uploading' && row.state !== 'completing') return false
      const draft = decodeDraft(row.draft)
      for (const part of step.parts) {
        const refusal = refusalOf(draft, part)
        if (refusal !== undefined) throw new RangeError(`Part ${part.index}: ${refusal.kind}`)
      }
      this.#parts.clear(row.row)
      this.#parts.put(row.row, draft.checksum, step.parts)
      this.#update(row, { revision: row.revision + 1, arrived: arrivedIn(step.parts) })
      return true
    })
  }

  async claim(ref: UploadRef, step: ClaimStep): Promise<ClaimOutcome> {
    const { to, now, leaseMs } = step
    return this.#atomically(() => {
      const row = this.#find(ref, now)
      if (row === undefined) return { kind: 'not-found' }
      const { state, leaseUntil } = row
      if (state !== 'creating' && leaseUntil > now) {
        return { kind: 'busy', state, retryAfterMs: leaseUntil - now }
      }
      if (!isClaimable(row, step)) {
        return { kind: 'wrong-state', upload: toUpload(decodeDraft(row.draft), row) }
      }
      const limit = this.#storedLimit(row, ref, step)
      if (limit !== undefined) return { kind: 'over-limit', ...limit }
      const fence = row.fence + 1
      const attempt = (state === to ? (row.attempts ?? 0) : 0) + (leaseMs > 0 ? 1 : 0)
      const expectedHash = step.expectedHash ?? row.expectedHash
      const standing = state === 'completed' ? 1 : row.standing
      const claim = { state: to, fence, leaseUntil: now + leaseMs, attempts: attempt }
      const record = this.#update(row, { ...claim, expectedHash, standing })
      return { kind: 'claimed', session: this.#session(record), fence, attempt }
    })
  }

  async extend(ref: UploadRef, { state, fence, now, leaseMs }: ExtendStep): Promise<boolean> {
    return this.#atomically(() => {
      const row = this.#find(ref, now)
      if (row?.state !== state || row.fence !== fence) return false
      this.#update(row, { leaseUntil: now + leaseMs })
      return true
    })
  }

  async settle(ref: UploadRef, step: SettleStep): Promise<boolean> {
    return this.#atomically(() => {
      const row = this.#find(ref, step.now)
      if (row?.state !== step.from || row.fence !== step.fence) return false
      const { expiresAt, keepUntil } = step.to === 'uploading' ? longer(row, step) : step
      this.#update(row, {
        state: step.to,
        leaseUntil: step.to === 'verifying' ? step.now : 0,
        attempts: null,
        standing: null,
        expiresAt,
        keepUntil,
        ...(step.object === undefined ? {} : { object: encodeObject(step.object) }),
        ...(step.epoch === undefined ? {} : { epoch: step.epoch }),
      })
      this.#owners.countOpened(ref.owner, row, step.now)
      const contents = step.to === 'completed' ? (step.contents ?? []) : []
      for (const content of contents) this.#sql.putContent.run([ref.owner, content, row.row])
      return true
    })
  }

  async due({ now, limit }: DueQuery): Promise<readonly UploadRef[]> {
    return asRefs(this.#sql.due.all([now, now, limit]))
  }

  async overdue({ now, limit }: DueQuery): Promise<readonly UploadRef[]> {
    return asRefs(this.#sql.overdue.all([now, now, now, limit]))
  }

  async unfinished({ limit, cursor = '0' }: UnfinishedQuery): Promise<UnfinishedPage> {
    return unfinishedPage(this.#sql.unfinished.all([Number(cursor), limit]), limit)
  }

  async purge({ now, limit }: DueQuery): Promise<number> {
    this.#owners.purge(now)
    return this.#sql.purgeMany.run([now, limit]).changes
  }

  async list(owner: string, { now, limit, state, cursor }: ListUploads): Promise<UploadPage> {
    const after = cursor === undefined ? BEFORE_ALL : decodeCursor(cursor)
    if (after === undefined) return { uploads: [] }
    const from = [owner, now, after.createdAt, after.id]
    const found =
      state === undefined
        ? this.#sql.list.all([...from, limit + 1])
        : this.#sql.listState.all([...from, state, limit + 1])
    const uploads = asRows(found.slice(0, limit)).map(listedUpload)
    const last = uploads.at(-1)
    if (found.length <= limit || last === undefined) return { uploads }
    return { uploads, nextCursor: encodeCursor(listEntry(last.upload)) }
  }

  async usage(owner: string, now: number): Promise<Usage> {
    return this.#owners.usage(owner, now)
  }

  async check(): Promise<void> {
    this.#sql.check.get([])
  }

  async close(): Promise<void> {
    this.#db.close()
  }

  #atomically<T>(step: () => T): T {
    return this.#db.transaction(step).immediate()
  }

  #find({ owner, id }: UploadRef, now: number): Row | undefined {
    return asRow(this.#sql.find.get([owner, id, now]))
  }

  #session(row: Row): Session {
    const draft = decodeDraft(row.draft)
    return {
      upload: toUpload(draft, row),
      parts: this.#parts.all(row.row, draft.checksum),
      revision: row.revision,
    }
  }

  /** The upload takes parts already; one past its time takes its room again. */
  #join(step: BeginStep, row: Row): BeginOutcome {
    const { now, signing } = step
    const { totalChunks } = decodeDraft(row.draft)
    const urls = Math.min(signing?.urls ?? 0, totalChunks - row.arrived)
    const spent = signing && spend(row, { ...signing, urls }, { totalChunks, now })
    if (spent?.kind === 'over-budget') return spent
    const record = this.#update(row, { ...longer(row, step), ...urlsOf(spent) })
    return { kind: 'exists', session: this.#session(record) }
  }

  /** In place of `old`, if there is one. */
  #create(draft: UploadDraft, step: BeginStep, old?: Row): BeginOutcome {
    const { now, signing } = step
    const urls = Math.min(signing?.urls ?? 0, draft.totalChunks)
    const spent = signing && spend({}, { ...signing, urls }, { ...draft, now })
    if (spent?.kind === 'over-budget') return spent
    if (old !== undefined) this.#sql.delete.run([old.row])
    this.#sql.purge.run([now])
    this.#owners.purge(now)
    const epoch = (old?.epoch ?? 0) + 1
    const judged = (old?.state === 'creating' ? old.judged : old?.epoch) ?? 0
    // The fences of an upload start at the time, so that they grow even where its record was forgotten.
    const fence = (old?.fence ?? now) + 1
    const leaseUntil = now + step.leaseMs
    const { keepUntil, expiresAt } = step
    const { reservedUntil } = roomOf({ state: 'creating', leaseUntil, expiresAt, keepUntil })
    this.#sql.insert.run([
      draft.owner,
      draft.id,
      draft.createdAt,
      encodeDraft(draft),
      epoch,
      judged,
      fence,
      leaseUntil,
      expiresAt,
      keepUntil,
      isRenewal(old) ? 1 : null,
      spent?.urls ?? null,
      spent?.urlsDay ?? null,
      draft.size,
      reservedUntil,
    ])
    const twin = this.#twin(draft, step)
    return { kind: 'created', epoch, fence, judged, ...(twin && { twin }) }
  }

  #storedLimit({ state, draft }: Row, { owner }: UploadRef, step: ClaimStep): Exceeded | undefined {
    const { to, now, maxStoredBytes } = step
    const isFirst = state === 'uploading' && to === 'completing'
    if (!isFirst || maxStoredBytes === undefined) return undefined
    const { storedBytes } = this.#owners.usage(owner, now)
    return storedExceeded(maxStoredBytes, storedBytes, decodeDraft(draft).size)
  }

  /** Takes the step if the owner has room for it; otherwise nothing of it is left. */
  #withinLimits({ owner }: UploadDraft, step: BeginStep, take: () => BeginOutcome): BeginOutcome {
    const { now, limits } = step
    try {
      return this.#atomically(() => {
        if (limits === undefined) return take()
        const before = this.#owners.usage(owner, now)
        const outcome = take()
        const limit = exceeded(limits, before, this.#owners.usage(owner, now))
        if (limit !== undefined) throw new RolledBack({ kind: 'over-limit', ...limit })
        return outcome
      })
    } catch (error) {
      if (error instanceof RolledBack) return error.outcome
      throw error
    }
  }

  #twin({ owner }: UploadDraft, { content, now }: BeginStep): Upload | undefined {
    if (content === undefined) return undefined
    const row = asRow(this.#sql.twin.get([owner, content, now]))
    return row && toUpload(decodeDraft(row.draft), row)
  }

  #update(row: Row, changes: Partial<UploadRecord>): Row {
    const record = { ...row, ...changes }
    const { reservedUntil, storedUntil } = roomOf(record)
    this.#sql.update.run([
      record.state,
      record.epoch,
      record.fence,
      record.leaseUntil,
      record.attempts ?? null,
      record.revision,
      record.arrived,
      record.expiresAt,
      record.keepUntil,
      record.multipartId ?? null,
      record.adopted ?? null,
      record.expectedHash ?? null,
      record.standing ?? null,
      record.object ?? null,
      record.urls ?? null,
      record.urlsDay ?? null,
      reservedUntil,
      storedUntil,
      row.row,
    ])
    return record
  }
}
