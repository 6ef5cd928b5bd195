import type { Cluster, Redis } from 'ioredis'
import * as z from 'zod/mini'
import type { DueQuery, UploadRef } from '../../coordinator/ports.js'
import { dueKey, uploadKeys } from './keys.js'
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
}

/** That an upload is to be looked at, and when. */
interface Hint {
  readonly member: string
  readonly at: number
}

interface DueUpload {
  readonly ref: UploadRef
  readonly leaseUntil: number
}

/**
 * Which uploads of all owners are worth a look, and when. On a Cluster the hints are in another slot than
 * the uploads, so the record alone says whether its lease has ended. A claim is never without a hint: it
 * is written with the claim, and moved or removed only by who has seen its score.
 */
export class DueHints {
  readonly #redis: Redis | Cluster
  readonly #run: RunScript
  readonly #keyPrefix: string
  readonly #key: string

  constructor({ redis, run, keyPrefix }: DueHintsOptions) {
    this.#redis = redis
    this.#run = run
    this.#keyPrefix = keyPrefix
    this.#key = dueKey(keyPrefix)
  }

  /** For a claim that may be granted. */
  async add(ref: UploadRef, now: number, leaseUntil: number): Promise<void> {
    await this.#run('hint', [this.#key], [memberOf(ref), now, leaseUntil])
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
    found.sort((a, b) => a.leaseUntil - b.leaseUntil)
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
    const leaseUntil = await this.#leaseUntil(ref, now)
    if (leaseUntil !== undefined && leaseUntil <= now) return { ref, leaseUntil }
    if (leaseUntil === undefined && hint.at > now - GRACE_MS) return 'kept'
    await this.#move(hint, leaseUntil ?? '')
    return 'moved'
  }

  /** `undefined` where nobody has claimed the upload. */
  async #leaseUntil(ref: UploadRef, now: number): Promise<number | undefined> {
    const { uploads } = uploadKeys(this.#keyPrefix, ref)
    const reply = await this.#run('lease', [uploads], [ref.id, now])
    return textAt(reply, 0) === 'claimed' ? numberAt(reply, 1) : undefined
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
