import { createHash, type Hash } from 'node:crypto'
import type { StoredObject } from '../protocol/index.js'
import { type Claimed, claimNow, leaveClaim, settleNow } from './claims.js'
import type { Context } from './context.js'
import { type HashAlgorithm, hashAlgorithm, unprovenHashes } from './file-hash.js'
import { lookAt, mustLook } from './first-bytes.js'
import type { UploadRef } from './ports.js'
import { proveObject } from './proof.js'
import { type ObjectRead, readWhole } from './read-whole.js'
import { settleProven } from './settle-proven.js'
import { stands } from './twin.js'
import { UploadError } from './upload-error.js'

/** An upload that fails again and again is tried less and less often, down to this. */
const MAX_PAUSE_MS = 60 * 60 * 1000

/**
 * Reads the object of a `verifying` upload and compares it with the hashes that the client gave, and its first bytes with
 * its type: then it is `completed`, or it is removed and the upload `failed`. Rejects when the bucket or the store does not
 * answer, or when `signal` aborts; then somebody tries again later.
 */
export async function verify(
  context: Context,
  ref: UploadRef,
  signal: AbortSignal,
): Promise<{ readonly isOtherType: boolean }> {
  const claim = await claimNow(context, ref, { to: 'verifying' })
  if (claim.kind !== 'claimed') return { isOtherType: false }
  try {
    const outcome = await examine(context, claim, signal)
    await conclude(context, claim, outcome)
    return { isOtherType: outcome.kind === 'other-type' }
  } catch (fault) {
    // Who stops leaves the work to others at once; a fault is given time to pass.
    const leaseMs = signal.aborted ? 0 : pauseAfter(claim.attempt, context.settings.leaseMs)
    const { session, fence } = claim
    await leaveClaim(context, session.upload, { state: 'verifying', fence, leaseMs })
    throw fault
  }
}

type Outcome =
  | { readonly kind: 'read'; readonly object: StoredObject }
  /** It does not begin as a file of its type does. */
  | { readonly kind: 'other-type'; readonly object: StoredObject }
  /** The object is not there, or is another one, by whatever hand. */
  | { readonly kind: 'gone' }
  /** The lease ended meanwhile, and somebody else has the say. */
  | { readonly kind: 'outrun' }

async function examine(context: Context, claim: Claimed, signal: AbortSignal): Promise<Outcome> {
  const { upload } = claim.session
  const { object } = upload
  if (object === undefined) return { kind: 'gone' }
  const isLookedAt = mustLook(context, upload)
  const look = isLookedAt ? await lookAt(context, upload, { object, signal }) : 'fits'
  if (look === 'gone') return { kind: 'gone' }
  if (look === 'differs') return { kind: 'other-type', object }
  // Such as where another server has to look at the type, and this one need not.
  if (unprovenHashes(upload, object).length === 0) {
    return (await stands(context, object)) ? { kind: 'read', object } : { kind: 'gone' }
  }
  return readHashes(context, claim, { object, signal })
}

/** The object with the hashes that it has, of the kinds that are asked for. */
async function readHashes(
  context: Context,
  claim: Claimed,
  { object, signal }: { readonly object: StoredObject; readonly signal: AbortSignal },
): Promise<Outcome> {
  const { upload } = claim.session
  const hashes = new Map<HashAlgorithm, Hash>(
    unprovenHashes(upload, object).map((hash) => {
      const algorithm = hashAlgorithm(hash)
      return [algorithm, createHash(algorithm)]
    }),
  )
  const read: ObjectRead = await readWhole(context, object, {
    signal,
    onBytes: (bytes) => {
      for (const hash of hashes.values()) hash.update(bytes)
    },
    keepGoing: leaseKeeper(context, claim),
  })
  if (read !== 'whole') return { kind: read === 'gone' ? 'gone' : 'outrun' }
  const found = Array.from(hashes, ([algorithm, hash]) => [algorithm, hash.digest('hex')])
  return { kind: 'read', object: { ...object, ...Object.fromEntries(found) } }
}

/** Says whether the claim is still ours; renews it when a third of its time has gone. */
function leaseKeeper({ store, clock, settings }: Context, claim: Claimed): () => Promise<boolean> {
  const { leaseMs } = settings
  const { session, fence } = claim
  let renewedAt = clock.now()
  return async () => {
    const now = clock.now()
    if (now - renewedAt < leaseMs / 3) return true
    renewedAt = now
    return store.extend(session.upload, { state: 'verifying', fence, now, leaseMs })
  }
}

async function conclude(context: Context, claim: Claimed, outcome: Outcome): Promise<void> {
  const { session, fence } = claim
  const { upload } = session
  if (outcome.kind === 'outrun') return
  if (outcome.kind === 'gone') {
    // Not on the word of one reply: what failed is never looked at again, and must leave no object.
    const { object } = upload
    if (object !== undefined && (await stands(context, object))) throw undecided()
    return fail(context, claim)
  }
  const { object } = outcome
  const isRight = outcome.kind === 'read' && unprovenHashes(upload, object).length === 0
  if (isRight) {
    await settleProven(context, upload, { from: 'verifying', fence, object, isLookedAt: true })
  } else if (upload.standing) {
    // What was `completed` before stays so, now with the hash that it really has: others may rely on it, and an
    // upload that was given the same object does. Whoever asked compares.
    await settleNow(context, upload, { from: 'verifying', to: 'completed', fence, object })
  } else {
    if (await removeOwn(context, claim, object)) await fail(context, claim)
  }
}

/**
 * Removes the object if it is the one that this upload made, and was read. Only the holder of the latest
 * claim does so: until it has settled, nobody can open the upload again and make another object.
 */
async function removeOwn(
  context: Context,
  { session, fence }: Claimed,
  { key, etag, versionId, digest }: StoredObject,
): Promise<boolean> {
  const { store, bucket, clock, settings } = context
  const { upload } = session
  if (key !== upload.key) return true
  const proof = await proveObject(context, upload, digest)
  if (proof.kind !== 'proven' || proof.object.etag !== etag) return true
  const now = clock.now()
  const { leaseMs } = settings
  const isOurs = await store.extend(upload, { state: 'verifying', fence, now, leaseMs })
  if (!isOurs) return false
  const version = versionId === undefined ? {} : { versionId }
  // MinIO compares no ETag with a DELETE, so one that is sent late would remove the next epoch's object.
  const mayRemove = () => clock.now() < now + leaseMs
  const outcome = await bucket.removeObject({ key, etag, ...version, mayRemove })
  // Another object since the proof, or a reply that is not true: reading it again tells.
  if (outcome === 'changed') throw undecided()
  return outcome !== 'outdated'
}

function undecided(): UploadError {
  return new UploadError('BUCKET_UNAVAILABLE', 'The bucket contradicts itself; try again.', {
    retryAfterMs: 2_000,
  })
}

async function fail(context: Context, { session, fence }: Claimed): Promise<void> {
  await settleNow(context, session.upload, { from: 'verifying', to: 'failed', fence })
}

function pauseAfter(attempt: number, leaseMs: number): number {
  return Math.min(leaseMs * 2 ** (attempt - 1), MAX_PAUSE_MS)
}
