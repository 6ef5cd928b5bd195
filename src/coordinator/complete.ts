import {
  type CompleteReply,
  type CompleteRequest,
  type IndexRange,
  isObjectDigest,
  type StoredObject,
} from '../protocol/index.js'
import { admitStill, overLimit } from './admission.js'
import { type Claimed, claimNow, settleNow } from './claims.js'
import { type CompletionOutcome, finishAtBucket } from './complete-at-bucket.js'
import { type Context, limitsOf } from './context.js'
import { digestRule } from './draft.js'
import { contradicts, hashAlgorithm, unprovenHashes } from './file-hash.js'
import type { Limits } from './limits.js'
import { missingParts } from './listing.js'
import { type ManifestOutcome, manifestOf } from './manifest.js'
import { type OpenedUpload, reopenUpload } from './open-upload.js'
import type { Caller } from './partway.js'
import type { ClaimOutcome, ClaimStep, UploadRef } from './ports.js'
import { completionInProgress, notFound, wrongState } from './replies.js'
import type { Upload } from './session.js'
import { settleProven } from './settle-proven.js'
import { record } from './sign-parts.js'
import { fieldRefusal, UploadError } from './upload-error.js'
import { verify } from './verify.js'

/** How long a caller waits for another who is completing the same upload, and how often it looks. */
const WAIT_MS = 10_000
const POLL_MS = 200
/** How long a caller waits for the first bytes of the object. */
const LOOK_MS = 10_000

/**
 * Closes the upload. In order: claim → manifest → the bucket's own comparison of every part and the
 * whole → proof by the object's token, size and digest → settle. A caller that finds it done gets the
 * stored result; one that finds it being done waits for that result.
 */
export function complete(
  context: Context,
  caller: Caller,
  request: CompleteRequest,
): Promise<CompleteReply> {
  const ref = { owner: caller.owner, id: request.uploadId }
  return completeWithin(context, limitsOf(context, caller), { ref, request })
}

/** Goes on with a completion that somebody began, whose limits were looked at then. */
export function resumeCompletion(context: Context, ref: UploadRef): Promise<CompleteReply> {
  return completeWithin(context, {}, { ref, request: { uploadId: ref.id } })
}

async function completeWithin(
  context: Context,
  limits: Limits,
  { ref, request }: { readonly ref: UploadRef; readonly request: CompleteRequest },
): Promise<CompleteReply> {
  if (request.parts !== undefined && request.parts.length > 0) {
    await recordLast(context, ref, request.parts)
  }
  const { expectedHash } = request
  if (expectedHash !== undefined) await checkHash(context, ref, expectedHash)
  const { maxStoredBytes } = limits
  const claim = await claimOrWait(context, ref, {
    ...(expectedHash !== undefined && { expectedHash: expectedHash.toLowerCase() }),
    ...(maxStoredBytes !== undefined && { maxStoredBytes }),
  })
  if (claim.kind === 'verifying') return { uploadId: request.uploadId, state: 'verifying' }
  if (claim.kind === 'wrong-state') return standing(context, claim.upload, expectedHash)
  // Where others have the say by now, they are asked, as whoever repeats the request would. The reports were
  // of the multipart upload that was there before.
  const { parts: _, ...again } = request
  const reply = await finish(context, claim, { limits, digest: request.digest })
  return reply ?? completeWithin(context, limits, { ref, request: again })
}

/** Before anything is claimed for it: no file has two hashes of one kind. */
async function checkHash(context: Context, ref: UploadRef, expected: string): Promise<void> {
  const session = await context.store.find(ref, context.clock.now())
  if (contradicts(session?.upload.fileHash, expected.toLowerCase())) {
    throw fieldRefusal('CHECKSUM_MISMATCH', 'expected_hash', 'is not the file_hash of init')
  }
}

/** The reports that come with the completion; of an upload that is past taking parts they are moot. */
async function recordLast(
  context: Context,
  ref: UploadRef,
  uploaded: NonNullable<CompleteRequest['parts']>,
): Promise<void> {
  try {
    await record(context, ref, { uploadId: ref.id, uploaded, sign: [] }, 'parts')
  } catch (error) {
    const isMoot = error instanceof UploadError && error.details.state !== undefined
    if (!isMoot) throw error
  }
}

type Entry =
  | Extract<ClaimOutcome, { kind: 'claimed' } | { kind: 'wrong-state' }>
  /** Somebody is reading the object, which may take long. */
  | { readonly kind: 'verifying' }

async function claimOrWait(
  context: Context,
  ref: UploadRef,
  step: Pick<ClaimStep, 'expectedHash' | 'maxStoredBytes'>,
): Promise<Entry> {
  const deadline = context.clock.now() + WAIT_MS
  for (;;) {
    const now = context.clock.now()
    const claim = await claimNow(context, ref, { ...step, to: 'completing' })
    if (claim.kind === 'not-found') throw notFound()
    if (claim.kind === 'over-limit') throw overLimit(claim, now)
    if (claim.kind !== 'busy') return claim
    if (claim.state === 'verifying') return { kind: 'verifying' }
    if (claim.state === 'aborting') {
      throw new UploadError('WRONG_STATE', 'The upload is being aborted.', { state: claim.state })
    }
    if (now >= deadline)
      throw completionInProgress(Math.min(claim.retryAfterMs, 5_000), claim.state)
    await context.clock.sleep(POLL_MS)
  }
}

/** The answer of an upload that is past completing. */
async function standing(
  context: Context,
  upload: Upload,
  expectedHash?: string,
): Promise<CompleteReply> {
  const { id, state, object } = upload
  if (state === 'completed' && object !== undefined) {
    if (expectedHash === undefined) return { uploadId: id, state, object }
    return standingWithHash(context, { ...upload, object }, expectedHash.toLowerCase())
  }
  if (state === 'verifying') {
    context.announce(upload)
    return { uploadId: id, state }
  }
  throw wrongState(upload, context.clock.now())
}

/** What the object's hash is, is known from reading it, or it is read now. Either way it stays. */
async function standingWithHash(
  context: Context,
  upload: Upload & { readonly object: StoredObject },
  expectedHash: string,
): Promise<CompleteReply> {
  const { id, object } = upload
  const known = object[hashAlgorithm(expectedHash)]
  if (known === expectedHash) return { uploadId: id, state: 'completed', object }
  if (known !== undefined) {
    throw fieldRefusal('CHECKSUM_MISMATCH', 'expected_hash', 'is not the hash of the object')
  }
  const now = context.clock.now()
  await context.store.claim(upload, { to: 'verifying', now, leaseMs: 0, expectedHash })
  context.announce(upload)
  return { uploadId: id, state: 'verifying' }
}

interface Terms {
  readonly limits: Limits
  readonly digest: string | undefined
}

/** `undefined` when the record says more than this claim can. */
async function finish(
  context: Context,
  claim: Claimed,
  terms: Terms,
): Promise<CompleteReply | undefined> {
  const manifest = await prepare(context, claim, terms)
  const { digest } = terms
  const outcome = await finishAtBucket(context, { session: claim.session, digest, manifest })
  return conclude(context, claim, outcome)
}

/** Nothing has been sent to be completed yet, so whatever goes wrong here gives the claim back. */
async function prepare(
  context: Context,
  claim: Claimed,
  { limits, digest }: Terms,
): Promise<ManifestOutcome> {
  try {
    // Whoever takes an attempt over does not know whether the bucket has completed it already.
    if (claim.attempt === 1) admitStill(limits, claim.session.upload)
    checkDigest(claim.session.upload, digest)
    return await manifestOf(context, claim.session)
  } catch (error) {
    await giveBack(context, claim)
    throw error
  }
}

function checkDigest(upload: Upload, digest: string | undefined): void {
  const { checksum, totalChunks } = upload
  if (digest !== undefined && !isObjectDigest(checksum, digest, totalChunks)) {
    throw fieldRefusal('INVALID_REQUEST', 'digest', digestRule(checksum, totalChunks))
  }
}

async function conclude(
  context: Context,
  claim: Claimed,
  outcome: CompletionOutcome,
): Promise<CompleteReply | undefined> {
  const { upload } = claim.session
  switch (outcome.kind) {
    case 'proven':
      return concludeProven(context, claim, outcome.object)
    case 'corrupt':
      await settleNow(context, upload, { from: 'completing', to: 'failed', fence: claim.fence })
      throw wrongState({ ...upload, state: 'failed' }, context.clock.now())
    case 'missing':
      await giveBack(context, claim)
      throw partsMissing(outcome.ranges)
    case 'digest-differs':
      await giveBack(context, claim)
      throw fieldRefusal('CHECKSUM_MISMATCH', 'digest', 'is not what the parts add up to')
    case 'refused':
      await giveBack(context, claim)
      throw new UploadError('WRONG_STATE', outcome.reason, { state: 'uploading' })
    case 'lost':
      await giveBack(context, claim)
      return afterLoss(await reopenUpload(context, upload))
    case 'unknown':
      // Whether the bucket completed it is not known. The claim stays, so that nothing else touches the
      // upload until its lease ends; then whoever asks next finds out by the object's token.
      throw outcome.fault
  }
}

/**
 * A late holder's proof does not count: whoever took over may have been given a hash, for which the object is
 * read, and removed if it has another.
 */
async function concludeProven(
  context: Context,
  { session: { upload }, fence }: Claimed,
  object: StoredObject,
): Promise<CompleteReply | undefined> {
  // To look at the type takes a moment, so nobody is sent away for it.
  const isTakenUp = unprovenHashes(upload, object).length === 0
  const step = { from: 'completing', fence, object, isTakenUp } as const
  const proven = await settleProven(context, upload, step)
  if (proven?.state === 'completed') return { uploadId: upload.id, state: 'completed', object }
  if (proven === undefined || !isTakenUp) {
    return proven && { uploadId: upload.id, state: 'verifying' }
  }
  return lookNow(context, upload)
}

/** Looks at the first bytes of what is there now; whoever comes later does so when this fails. */
async function lookNow(context: Context, upload: Upload): Promise<CompleteReply> {
  const { contentType } = upload
  try {
    const { isOtherType } = await verify(context, upload, AbortSignal.timeout(LOOK_MS))
    if (isOtherType) {
      const words = `The file is not ${contentType}, as content_type said; the upload has failed.`
      throw new UploadError('CONTENT_MISMATCH', words, { state: 'failed' })
    }
  } catch (error) {
    if (!(error instanceof UploadError) || error.status < 500) throw error
  }
  const session = await context.store.find(upload, context.clock.now())
  if (session === undefined) throw notFound()
  return standing(context, session.upload)
}

/** Opened anew by this caller or another, unless it has ended: by others, or with the object of a twin. */
function afterLoss({ session: { upload, parts } }: OpenedUpload): undefined {
  const missing = missingParts(upload, parts)
  // What was found in its place may have them all.
  if (upload.state === 'uploading' && missing.length > 0) throw partsMissing(missing)
}

function partsMissing(missing: readonly IndexRange[]): UploadError {
  const count = missing.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  const text = count === 1 ? 'One part is missing' : `${count} parts are missing`
  return new UploadError('PARTS_MISSING', `${text}; send them and complete again.`, {
    missing,
    state: 'uploading',
  })
}

async function giveBack(context: Context, { session, fence }: Claimed): Promise<void> {
  await settleNow(context, session.upload, { from: 'completing', to: 'uploading', fence })
}
