import { claimNow, settleNow } from './claims.js'
import type { Context } from './context.js'
import { eachAtOnce } from './each-at-once.js'
import type { UploadRef } from './ports.js'
import { removeParts } from './remove-parts.js'
import { draftPart, type Upload } from './session.js'
import { settleProven } from './settle-proven.js'

export interface CleanUpOptions {
  /** Only tells what it would give up. @default false */
  readonly isDryRun?: boolean
  /**
   * How long after the first abort the second comes, in ms: a part that was on its way then may have been stored.
   * @default 5 s
   */
  readonly pauseMs?: number
  /** Told of each upload that was given up, or would be. */
  readonly onUpload?: (upload: Upload) => void
  /** Told of each that could not be finished; it is due again later. */
  readonly onFault?: (ref: UploadRef, fault: unknown) => void
  /** Ends it after what is under way. */
  readonly signal?: AbortSignal
}

export interface CleanUpReport {
  /** Uploads past their time, whose parts are gone from the bucket; in a dry run those that would be. */
  readonly expired: number
  /** Uploads that somebody went on with, or has finished, in the last moment. */
  readonly kept: number
  readonly failed: number
  /** Records that were forgotten. Stores that forget by themselves say 0. */
  readonly forgotten: number
}

/** Looked after at once: between their two aborts is one pause for all. */
const BATCH = 500
/** Calls of the bucket at a time. */
const CONCURRENCY = 8
/** More than that a dry run does not tell. */
const MOST_TOLD = 10_000

/**
 * Gives up every upload that is past its time: first what the bucket has of it, twice, then the record. Any number of
 * processes may do so at once, and be killed while they do: each upload is claimed, so one of them has it, and an abort
 * that was begun is `due` for all of them. Then records that have ended are forgotten.
 *
 * Amounts that owners have taken need no mending: they are those of the records, see `Usage`.
 */
export async function cleanUp(
  context: Context,
  options: CleanUpOptions = {},
): Promise<CleanUpReport> {
  if (options.isDryRun) return tellOverdue(context, options)
  const found = { expired: 0, kept: 0, failed: 0 }
  // What fails is not tried again in the same run.
  const seen = new Set<string>()
  for (let isMore = true; isMore && !options.signal?.aborted; ) {
    const limit = BATCH + found.failed
    const refs = await context.store.overdue({ now: context.clock.now(), limit })
    const fresh = refs.filter((ref) => !seen.has(keyOf(ref)))
    for (const ref of fresh) seen.add(keyOf(ref))
    isMore = fresh.length > 0
    for (const outcome of await giveUp(context, fresh, options)) found[outcome] += 1
  }
  return { ...found, forgotten: await forget(context, options) }
}

async function tellOverdue(
  { store, clock }: Context,
  { onUpload }: CleanUpOptions,
): Promise<CleanUpReport> {
  const now = clock.now()
  const refs = await store.overdue({ now, limit: MOST_TOLD })
  const sessions = await eachAtOnce(CONCURRENCY, refs, (ref) => store.find(ref, now))
  for (const session of sessions) if (session !== undefined) onUpload?.(session.upload)
  return { expired: refs.length, kept: 0, failed: 0, forgotten: 0 }
}

type Outcome = 'expired' | 'kept' | 'failed'

/** What is left to do of an upload whose parts have been removed once. */
type Removed = () => Promise<Outcome>

async function giveUp(
  context: Context,
  refs: readonly UploadRef[],
  options: CleanUpOptions,
): Promise<readonly Outcome[]> {
  if (refs.length === 0) return []
  const { pauseMs = 5_000, onFault } = options
  const guarded = async <T>(ref: UploadRef, work: () => Promise<T>): Promise<T | 'failed'> => {
    try {
      return await work()
    } catch (fault) {
      onFault?.(ref, fault)
      return 'failed'
    }
  }
  const begun = await eachAtOnce(CONCURRENCY, refs, (ref) =>
    guarded(ref, () => removeOnce(context, ref, { ...options, pauseMs })),
  )
  if (begun.some((outcome) => typeof outcome === 'function')) await context.clock.sleep(pauseMs)
  const pairs = refs.map((ref, position) => ({ ref, work: begun[position] ?? 'failed' }))
  return eachAtOnce(CONCURRENCY, pairs, async ({ ref, work }) =>
    typeof work === 'function' ? guarded(ref, work) : work,
  )
}

type Pausing = CleanUpOptions & { readonly pauseMs: number }

async function removeOnce(
  context: Context,
  ref: UploadRef,
  options: Pausing,
): Promise<Removed | Outcome> {
  const found = await context.store.find(ref, context.clock.now())
  if (found?.upload.state === 'creating') return removeGhosts(context, found.upload, options)
  const leaseMs = context.settings.leaseMs + BATCH_MS + options.pauseMs
  const claim = await claimNow(context, ref, { to: 'aborting', leaseMs })
  if (claim.kind !== 'claimed') return 'kept'
  const { fence, attempt } = claim
  const { upload } = claim.session
  if (upload.expiresAt > context.clock.now()) {
    // Somebody came back to it after it was listed. An abort that somebody else began stays one.
    if (attempt === 1) await settleNow(context, ref, { from: 'aborting', to: 'uploading', fence })
    return 'kept'
  }
  const remove = async (): Promise<boolean> => {
    const proof = await removeParts(context, upload)
    if (proof.kind !== 'proven') return true
    const { object } = proof
    await settleProven(context, upload, { from: 'aborting', fence, object })
    return false
  }
  if (!(await remove())) return 'kept'
  return async () => {
    if (!(await remove())) return 'kept'
    const lifetime = await settleNow(context, upload, { from: 'aborting', to: 'expired', fence })
    if (lifetime === undefined) return 'kept'
    options.onUpload?.({ ...upload, ...lifetime, state: 'expired' })
    return 'expired'
  }
}

/** How long a whole batch may take besides the pause, in ms; the claims on it must last as long. */
const BATCH_MS = 60_000

/**
 * What a creator left that died between the bucket's answer and the record: nobody knows of its multipart upload, and no
 * URL was ever signed for it. Whoever has the creation claimed is the only one who may open or adopt one under the
 * key. The record is forgotten when the claim ends.
 */
async function removeGhosts(
  context: Context,
  upload: Upload,
  { pauseMs, onUpload }: Pausing,
): Promise<Removed | Outcome> {
  const { store, bucket, clock, settings } = context
  const now = clock.now()
  const leaseMs = settings.leaseMs + BATCH_MS + pauseMs
  const until = now + leaseMs
  const draft = draftPart(upload)
  const claim = await store.begin(draft, { now, leaseMs, expiresAt: until, keepUntil: until })
  if (claim.kind !== 'created') return 'kept'
  const listing = await bucket.listMultipartUploads(draft.key)
  const ids = listing.kind === 'listed' ? listing.uploads.map(({ multipartId }) => multipartId) : []
  const abort = async (): Promise<void> => {
    for (const multipartId of ids) {
      await bucket.abortMultipartUpload({ key: draft.key, multipartId })
    }
  }
  await abort()
  return async () => {
    await abort()
    onUpload?.(upload)
    return 'expired'
  }
}

async function forget({ store, clock }: Context, { signal }: CleanUpOptions): Promise<number> {
  let forgotten = 0
  while (!signal?.aborted) {
    const gone = await store.purge({ now: clock.now(), limit: BATCH })
    forgotten += gone
    if (gone < BATCH) break
  }
  return forgotten
}

function keyOf({ owner, id }: UploadRef): string {
  return JSON.stringify([owner, id])
}
