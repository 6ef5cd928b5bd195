import type { Cluster, Redis } from 'ioredis'
import * as z from 'zod/mini'
import type {
  DueQuery,
  UnfinishedPage,
  UnfinishedQuery,
  UploadRef,
} from '../../coordinator/ports.js'
import type { Lifetime } from '../../coordinator/session.js'
import { uploadKeys } from './keys.js'
import { numberAt, type RunScript, textAt } from './scripts.js'

/** Hints that are looked at in one go. */
const BATCH = 100
/** After so many, `due` gives what it has found. */
const MAX_LOOKS = 2_000
/**
 * How long a hint that leads to nothing stays, in ms: it is written before the claim that it is for, by
 * the clock of another process.
 */
const GRACE_MS = 60_000

export interface DueHintsOptions {
  readonly redis: Redis | Cluster
  readonly run: RunScript
  readonly keyPrefix: string
  /** Where the hints are. */
  readonly key: string
  /** The script that says of an upload when there is something to do, if there will be. */
  readonly when: 'lease' | 'idle'
}

/** That an upload is to be looked at, and when. */
interface Hint {
  readonly member: string
  readonly at: number
}

interface Expected extends Lifetime {
  readonly now: number
}

interface DueUpload {
  readonly ref: UploadRef
  readonly since: number
}

/**
 * Which uploads of all owners are worth a look, and when: because a lease ends, or because they expire. On a Cluster
 * the hints are in another slot than the uploads, so the record alone says whether that is so. A claim is never without a hint: it
 * is written with the claim, and moved or removed only by who has seen its score.
 */
export class DueHints {
  readonly #redis: Redis | Cluster
  readonly #run: RunScript
  readonly #keyPrefix: string
  readonly #key: string
  readonly #when: 'lease' | 'idle'

  constructor({ redis, run, keyPrefix, key, when }: DueHintsOptions) {
    this.#redis = redis
    this.#run = run
    this.#keyPrefix = keyPrefix
    this.#key = key
    this.#when = when
  }

  /** For a claim that may be granted. */
  async add(ref: UploadRef, now: number, leaseUntil: number): Promise<void> {
    await this.#run('hint', [this.#key], [memberOf(ref), now, leaseUntil])
  }

  /** For an upload that may be begun, or is gone on with. */
  async expect(ref: UploadRef, { expiresAt, keepUntil, now }: Expected): Promise<void> {
    const forgotten = now - (keepUntil - expiresAt) - GRACE_MS
    await this.#run('expect', [this.#key], [memberOf(ref), expiresAt, forgotten])
  }

  /** For an upload that has ended. Nobody waits for it, and the look is put off by as long as others may need. */
  lookSoon(ref: UploadRef, now: number): void {
    this.move(ref, now + GRACE_MS)
  }

  /** A page of all uploads that are noted here. */
  async all({ limit, cursor = '0' }: UnfinishedQuery): Promise<UnfinishedPage> {
    const [next, found] = await this.#redis.zscan(this.#key, cursor, 'COUNT', limit)
    const refs = found.filter((_, position) => position % 2 === 0).map(refOf)
    return { refs, ...(next === '0' ? {} : { nextCursor: next }) }
  }

  /**
   * For the holder of a claim, whose lease will end at another time. Nobody waits for it: where it fails, the
   * hint leads to the record when the lease would have ended, and is put right then.
   */
  move(ref: UploadRef, leaseUntil: number): void {
    this.#redis.zadd(this.#key, leaseUntil, memberOf(ref)).catch(() => {})
  }

  /**
   * Nobody waits for it, and no harm is done where it fails: a hint that leads to nothing goes in the end.
   * `at` is the score that the claim gave it; with another, it is somebody else's.
   */
  drop(ref: UploadRef, at: number): void {
    this.#move({ member: memberOf(ref), at }, '').catch(() => {})
  }

  async due({ now, limit }: DueQuery): Promise<readonly UploadRef[]> {
    const found: DueUpload[] = []
    // How many hints, of those looked at, are still where they were.
    let kept = 0
    for (let looks = 0; looks < MAX_LOOKS && found.length < limit; looks += BATCH) {
      const hints = await this.#until(now, kept)
      const outcomes = await Promise.all(hints.map((hint) => this.#lookAt(hint, now)))
      kept += outcomes.filter((outcome) => outcome !== 'moved').length
      found.push(...outcomes.filter((outcome) => typeof outcome === 'object'))
      if (hints.length < BATCH) break
    }
    found.sort((a, b) => a.since - b.since)
    return found.slice(0, limit).map(({ ref }) => ref)
  }

  async #until(now: number, offset: number): Promise<Hint[]> {
    const range = [this.#key, '-inf', now, 'WITHSCORES', 'LIMIT', offset, BATCH] as const
    const reply = await this.#redis.zrangebyscore(...range)
    const hints: Hint[] = []
    for (let i = 0; i + 1 < reply.length; i += 2) {
      hints.push({ member: reply[i] ?? '', at: Number(reply[i + 1]) })
    }
    return hints
  }

  async #lookAt(hint: Hint, now: number): Promise<DueUpload | 'kept' | 'moved'> {
    const ref = refOf(hint.member)
    const since = await this.#whenOf(ref, now)
    if (since !== undefined && since <= now) return { ref, since }
    if (since === undefined && hint.at > now - GRACE_MS) return 'kept'
    await this.#move(hint, since ?? '')
    return 'moved'
  }

  /** `undefined` where there is nothing to come, such as no claim on the upload. */
  async #whenOf(ref: UploadRef, now: number): Promise<number | undefined> {
    const { uploads } = uploadKeys(this.#keyPrefix, ref)
    const reply = await this.#run(this.#when, [uploads], [ref.id, now])
    return textAt(reply, 0) === 'free' ? undefined : numberAt(reply, 1)
  }

  async #move({ member, at }: Hint, to: number | ''): Promise<void> {
    await this.#run('move', [this.#key], [member, at, to])
  }
}

const memberSchema = z.tuple([z.string(), z.string()])

/** One to one. */
function memberOf({ owner, id }: UploadRef): string {
  return JSON.stringify([owner, id])
}

function refOf(member: string): UploadRef {
  const [owner, id] = memberSchema.parse(JSON.parse(member))
  return { owner, id }
}
