import type { Cluster, Redis } from 'ioredis'
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
  Signing,
  UnfinishedPage,
  UnfinishedQuery,
  UploadPage,
  UploadRef,
  Usage,
} from '../../coordinator/ports.js'
import type { Session, Upload, UploadDraft } from '../../coordinator/session.js'
import { USAGE_LIMITS } from '../../coordinator/usage.js'
import { CHECKSUM_BYTES, UPLOAD_STATES } from '../../protocol/index.js'
import { decodeCursor, encodeCursor, listEntry } from '../list-position.js'
import { decodeSlots } from '../part-slots.js'
import { type RefusalKind, refusedPart } from '../refused-part.js'
import { decodeDraft, decodeRecord, encodeDraft, encodeObject, toUpload } from '../stored-upload.js'
import { DueHints } from './due-hints.js'
import { checkKeyPrefix, dueKey, idleKey, uploadKeys } from './keys.js'
import { encodeChanges, span } from './part-changes.js'
import { hashAt, numberAt, type Reply, type RunScript, scriptRunner, textAt } from './scripts.js'

export interface RedisSessionStoreOptions {
  readonly redis: Redis | Cluster
  /** @default 'partway:' */
  readonly keyPrefix?: string
  /**
   * Whether `close` ends the connection; otherwise it is the business of whoever made it.
   * @default false
   */
  readonly ownsConnection?: boolean
}

/**
 * Keys outlive their records by this much, so that a Redis whose clock is ahead of ours forgets nothing
 * too early: whether a record has ended is decided by `keepUntil` and `now` alone.
 */
const KEY_MARGIN_MS = 60 * 60 * 1000

/**
 * Sessions in Redis 5 or newer, Valkey or a Redis Cluster. Every step is one script, so one round trip.
 * The hash tag of every key is the owner, so all keys of a step are in one slot; but for the hints of
 * `due`, which are written at the same time.
 *
 * What an acknowledged step is worth is what Redis promises: with `appendfsync everysec` a crash may
 * lose a second, and a failover what was not replicated. The coordinator finds lost uploads again at
 * the bucket.
 */
export class RedisSessionStore implements SessionStore {
  readonly #redis: Redis | Cluster
  readonly #keyPrefix: string
  readonly #ownsConnection: boolean
  readonly #run: RunScript
  readonly #hints: DueHints
  readonly #idle: DueHints

  constructor({ redis, keyPrefix = 'partway:', ownsConnection = false }: RedisSessionStoreOptions) {
    checkKeyPrefix(keyPrefix)
    this.#redis = redis
    this.#keyPrefix = keyPrefix
    this.#ownsConnection = ownsConnection
    this.#run = scriptRunner(redis)
    const common = { redis, run: this.#run, keyPrefix }
    this.#hints = new DueHints({ ...common, key: dueKey(keyPrefix), when: 'lease' })
    this.#idle = new DueHints({ ...common, key: idleKey(keyPrefix), when: 'idle' })
  }

  async begin(draft: UploadDraft, step: BeginStep): Promise<BeginOutcome> {
    const begin = this.#run('begin', this.#everyKey(draft), [
      draft.id,
      step.now,
      step.leaseMs,
      step.supersedes ?? 0,
      step.expiresAt,
      step.keepUntil,
      encodeDraft(draft),
      listEntry(draft),
      draft.totalChunks,
      CHECKSUM_BYTES[draft.checksum],
      KEY_MARGIN_MS,
      step.content ?? '',
      draft.size,
      step.limits === undefined ? '' : JSON.stringify(step.limits),
      ...signingArgs(step.signing),
    ])
    const [reply] = await Promise.all([begin, this.#idle.expect(draft, step)])
    switch (textAt(reply, 0)) {
      case 'created':
        return {
          kind: 'created',
          epoch: numberAt(reply, 1),
          fence: numberAt(reply, 2),
          judged: numberAt(reply, 3),
          ...(reply.length > 4 ? { twin: uploadOf(reply, 4) } : {}),
        }
      case 'busy':
        return { kind: 'busy', retryAfterMs: numberAt(reply, 1) }
      case 'over-limit':
        return { kind: 'over-limit', ...exceededAt(reply) }
      case 'over-budget':
        return { kind: 'over-budget', used: numberAt(reply, 1), max: numberAt(reply, 2) }
      default:
        return { kind: 'exists', session: sessionOf(reply) }
    }
  }

  async open(ref: UploadRef, { fence, multipartId, now, adopted }: OpenStep): Promise<boolean> {
    const { uploads, charges } = this.#keys(ref)
    const args = [ref.id, now, fence, multipartId, adopted ? 1 : 0]
    const reply = await this.#run('open', [uploads, charges], args)
    return textAt(reply, 0) === 'opened'
  }

  async find(ref: UploadRef, now: number): Promise<Session | undefined> {
    const reply = await this.#run('find', this.#sessionKeys(ref), [ref.id, now])
    return textAt(reply, 0) === 'found' ? sessionOf(reply) : undefined
  }

  async recordParts(ref: UploadRef, change: PartsChange): Promise<RecordOutcome> {
    const changes = [...change.signed, ...change.arrived]
    const [low, high] = span(changes)
    const reply = await this.#run(
      'record',
      [...this.#allKeys(ref), this.#keys(ref).charges],
      [
        ref.id,
        change.now,
        change.expiresAt,
        change.keepUntil,
        low,
        high,
        encodeChanges(changes),
        KEY_MARGIN_MS,
        ...signingArgs(change.signing),
      ],
    )
    const kind = textAt(reply, 0)
    if (kind === 'not-found') return { kind }
    if (kind === 'over-budget') return { kind, used: numberAt(reply, 1), max: numberAt(reply, 2) }
    if (kind === 'recorded') {
      const { arrived } = decodeRecord(textAt(reply, 2))
      return { kind, upload: uploadOf(reply), arrivedCount: arrived }
    }
    if (kind === 'wrong-state') return { kind, upload: uploadOf(reply) }
    const index = changes[numberAt(reply, 3) - 1]?.index ?? 0
    return refusedPart(refusalAt(reply, 0), index, uploadOf(reply))
  }

  async replaceParts(ref: UploadRef, step: ReplaceStep): Promise<boolean> {
    const reply = await this.#run('replace', this.#sessionKeys(ref), [
      ref.id,
      step.epoch,
      step.revision,
      encodeChanges(step.parts),
      KEY_MARGIN_MS,
    ])
    if (textAt(reply, 0) !== 'impossible') return textAt(reply, 0) === 'replaced'
    const part = step.parts[numberAt(reply, 1) - 1]
    throw new RangeError(`The upload cannot have a part ${part?.index} with that checksum`)
  }

  async claim(ref: UploadRef, step: ClaimStep): Promise<ClaimOutcome> {
    const { to, now, leaseMs, expectedHash = '', maxStoredBytes = '' } = step
    const leaseUntil = now + leaseMs
    const args = [ref.id, now, leaseMs, to, expectedHash, maxStoredBytes]
    const [, reply] = await Promise.all([
      this.#hints.add(ref, now, leaseUntil),
      this.#run('claim', [...this.#sessionKeys(ref), this.#keys(ref).charges], args),
    ])
    const kind = textAt(reply, 0)
    switch (kind) {
      case 'claimed':
        return {
          kind,
          session: sessionOf(reply),
          fence: numberAt(reply, 5),
          attempt: numberAt(reply, 6),
        }
      case 'busy':
        return { kind, state: stateAt(reply, 1), retryAfterMs: numberAt(reply, 2) }
      case 'wrong-state':
        return { kind, upload: this.#unclaimed(ref, uploadOf(reply), leaseUntil) }
      case 'over-limit': {
        // The hint stays, since it may be that of an older claim; one that leads to nothing goes by itself.
        const [used, asked] = [numberAt(reply, 1), numberAt(reply, 2)]
        return { kind, limit: 'maxStoredBytes', max: Number(maxStoredBytes), used, asked }
      }
      default:
        this.#hints.drop(ref, leaseUntil)
        return { kind: 'not-found' }
    }
  }

  async extend(ref: UploadRef, { state, fence, now, leaseMs }: ExtendStep): Promise<boolean> {
    const { uploads, charges } = this.#keys(ref)
    const reply = await this.#run(
      'extend',
      [uploads, charges],
      [ref.id, now, fence, state, leaseMs],
    )
    // Only then: whoever is refused must not put off the hint of the claim that came after his.
    const isExtended = textAt(reply, 0) === 'extended'
    if (isExtended) this.#hints.move(ref, now + leaseMs)
    return isExtended
  }

  async settle(ref: UploadRef, step: SettleStep): Promise<boolean> {
    const args = [
      ref.id,
      step.now,
      step.fence,
      step.from,
      step.to,
      step.object === undefined ? '' : encodeObject(step.object),
      step.expiresAt,
      step.keepUntil,
      KEY_MARGIN_MS,
      step.epoch ?? 0,
      step.to === 'completed' ? (step.contents ?? []).join(' ') : '',
    ]
    const isLeft = step.to === 'verifying'
    const [, reply] = await Promise.all([
      isLeft && this.#hints.add(ref, step.now, step.now),
      this.#run('settle', this.#everyKey(ref), args),
    ])
    if (textAt(reply, 0) !== 'settled') return false
    if (!isLeft && step.from !== 'creating') this.#hints.drop(ref, numberAt(reply, 1))
    if (step.to !== 'uploading' && !isLeft) this.#idle.lookSoon(ref, step.now)
    return true
  }

  due(query: DueQuery): Promise<readonly UploadRef[]> {
    return this.#hints.due(query)
  }

  overdue(query: DueQuery): Promise<readonly UploadRef[]> {
    return this.#idle.due(query)
  }

  unfinished(query: UnfinishedQuery): Promise<UnfinishedPage> {
    return this.#idle.all(query)
  }

  /** Keys end with their records, and each `begin` forgets records of its owner. */
  async purge(): Promise<number> {
    return 0
  }

  async list(owner: string, { now, limit, state, cursor }: ListUploads): Promise<UploadPage> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor)
    if (cursor !== undefined && after === undefined) return { uploads: [] }
    const { uploads, byAge } = this.#keys({ owner, id: '' })
    const from = after === undefined ? '' : listEntry(after)
    const reply = await this.#run('list', [uploads, byAge], [now, limit, state ?? '', from])
    const next = textAt(reply, 0)
    return {
      uploads: listedUploads(reply),
      ...(next === '' ? {} : { nextCursor: encodeCursor(next) }),
    }
  }

  async usage(owner: string, now: number): Promise<Usage> {
    const { uploads, charges } = this.#keys({ owner, id: '' })
    const reply = await this.#run('usage', [uploads, charges], [now])
    return {
      openUploads: numberAt(reply, 0),
      reservedBytes: numberAt(reply, 1),
      storedBytes: numberAt(reply, 2),
      uploadsToday: numberAt(reply, 3),
    }
  }

  async check(): Promise<void> {
    await this.#redis.ping()
  }

  async close(): Promise<void> {
    if (!this.#ownsConnection) return
    try {
      await this.#redis.quit()
    } catch {
      // Redis is away: there is nobody to say farewell to.
      this.#redis.disconnect()
    }
  }

  #keys(ref: UploadRef) {
    return uploadKeys(this.#keyPrefix, ref)
  }

  /** Takes back the hint of a claim that was refused, unless there is an older claim to look after. */
  #unclaimed(ref: UploadRef, upload: Upload, leaseUntil: number): Upload {
    if (!CLAIMED.has(upload.state)) this.#hints.drop(ref, leaseUntil)
    return upload
  }

  #sessionKeys(ref: UploadRef): string[] {
    const { uploads, parts, etags } = this.#keys(ref)
    return [uploads, parts, etags]
  }

  #allKeys(ref: UploadRef): string[] {
    const { uploads, parts, etags, byAge, byEnd } = this.#keys(ref)
    return [uploads, parts, etags, byAge, byEnd]
  }

  #everyKey(ref: UploadRef): string[] {
    const { contents, charges } = this.#keys(ref)
    return [...this.#allKeys(ref), contents, charges]
  }
}

const CLAIMED: ReadonlySet<string> = new Set(['completing', 'verifying', 'aborting'])

function signingArgs({ urls, perPart, spare }: Signing = NOTHING_SIGNED): number[] {
  return [urls, perPart, spare]
}

const NOTHING_SIGNED: Signing = { urls: 0, perPart: 0, spare: Number.MAX_SAFE_INTEGER }

function exceededAt(reply: Reply): Exceeded {
  const name = textAt(reply, 1)
  const limit = USAGE_LIMITS.find((known) => known === name)
  if (limit === undefined) throw new TypeError(`Redis script gave the unknown limit ${name}`)
  return { limit, max: numberAt(reply, 2), used: numberAt(reply, 3), asked: numberAt(reply, 4) }
}

function uploadOf(reply: Reply, position = 1): Upload {
  const record = decodeRecord(textAt(reply, position + 1))
  return toUpload(decodeDraft(textAt(reply, position)), record)
}

function sessionOf(reply: Reply): Session {
  const draft = decodeDraft(textAt(reply, 1))
  const record = decodeRecord(textAt(reply, 2))
  const bytes = reply[3]
  return {
    upload: toUpload(draft, record),
    parts: Buffer.isBuffer(bytes) ? partsOf(draft, bytes, hashAt(reply, 4)) : [],
    revision: record.revision,
  }
}

function partsOf({ checksum }: UploadDraft, bytes: Buffer, odd: Map<string, string>) {
  const oddEtags = new Map(Array.from(odd, ([index, etag]) => [Number(index), etag]))
  return decodeSlots({ mode: checksum, bytes, indexAt: (position) => position + 1, oddEtags })
}

function refusalAt(reply: Reply, position: number): RefusalKind {
  const kind = textAt(reply, position)
  switch (kind) {
    case 'index-out-of-range':
    case 'checksum-malformed':
    case 'checksum-differs':
      return kind
    default:
      throw new TypeError(`Redis script gave the unknown answer ${kind}`)
  }
}

function stateAt(reply: Reply, position: number) {
  const text = textAt(reply, position)
  const state = UPLOAD_STATES.find((known) => known === text)
  if (state === undefined) throw new TypeError(`Redis script gave the unknown state ${text}`)
  return state
}

function listedUploads(reply: Reply): UploadPage['uploads'] {
  const uploads: UploadPage['uploads'][number][] = []
  for (let i = 1; i + 1 < reply.length; i += 2) {
    const record = decodeRecord(textAt(reply, i + 1))
    const upload = toUpload(decodeDraft(textAt(reply, i)), record)
    uploads.push({ upload, arrivedCount: record.arrived })
  }
  return uploads
}
