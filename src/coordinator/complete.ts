import {
  type CompleteReply,
  type CompleteRequest,
  type IndexRange,
  isObjectDigest,
} from '../protocol/index.js'
import { type CompletionOutcome, finishAtBucket } from './complete-at-bucket.js'
import { activeLifetime, type Context, finalLifetime } from './context.js'
import { digestRule } from './draft.js'
import { missingParts } from './listing.js'
import { type ManifestOutcome, manifestOf } from './manifest.js'
import { type OpenedUpload, reopenUpload } from './open-upload.js'
import type { Caller } from './partway.js'
import type { ClaimOutcome, UploadRef } from './ports.js'
import { completionInProgress, notFound, wrongState } from './replies.js'
import type { Upload } from './session.js'
import { record } from './sign-parts.js'
import { fieldRefusal, UploadError } from './upload-error.js'

/** How long a caller waits for another who is completing the same upload, and how often it looks. */
const WAIT_MS = 10_000
const POLL_MS = 200

type Claimed = Extract<ClaimOutcome, { kind: 'claimed' }>

/**
 * Closes the upload. In order: claim → manifest → the bucket's own comparison of every part and the
 * whole → proof by the object's token, size and digest → settle. A caller that finds it done gets the
 * stored result; one that finds it being done waits for that result.
 */
export async function complete(
  context: Context,
  caller: Caller,
  request: CompleteRequest,
): Promise<CompleteReply> {
  const ref = { owner: caller.owner, id: request.uploadId }
  if (request.parts !== undefined && request.parts.length > 0) {
    await recordLast(context, caller, request.uploadId, request.parts)
  }
  const claim = await claimOrWait(context, ref)
  if (claim.kind === 'wrong-state') return standing(context, claim.upload)
  return finish(context, claim, request.digest)
}

/** The reports that come with the completion; of an upload that is past taking parts they are moot. */
async function recordLast(
  context: Context,
  caller: Caller,
  uploadId: string,
  uploaded: NonNullable<CompleteRequest['parts']>,
): Promise<void> {
  try {
    await record(context, caller, { uploadId, uploaded, sign: [] }, 'parts')
  } catch (error) {
    const isMoot = error instanceof UploadError && error.details.state !== undefined
    if (!isMoot) throw error
  }
}

async function claimOrWait(
  context: Context,
  ref: UploadRef,
): Promise<Exclude<ClaimOutcome, { kind: 'busy' } | { kind: 'not-found' }>> {
  const deadline = context.clock.now() + WAIT_MS
  for (;;) {
    const now = context.clock.now()
    const { leaseMs } = context.settings
    const claim = await context.store.claim(ref, { to: 'completing', now, leaseMs })
    if (claim.kind === 'not-found') throw notFound()
    if (claim.kind !== 'busy') return claim
    if (claim.state === 'aborting') {
      throw new UploadError('WRONG_STATE', 'The upload is being aborted.', { state: claim.state })
    }
    if (now >= deadline)
      throw completionInProgress(Math.min(claim.retryAfterMs, 5_000), claim.state)
    await context.clock.sleep(POLL_MS)
  }
}

/** The answer of an upload that is past completing. */
function standing({ clock }: Context, upload: Upload): CompleteReply {
  const { id, state, object } = upload
  if (state === 'completed' && object !== undefined) return { uploadId: id, state, object }
  if (state === 'verifying') return { uploadId: id, state }
  throw wrongState(upload, clock.now())
}

async function finish(
  context: Context,
  claim: Claimed,
  digest: string | undefined,
): Promise<CompleteReply> {
  const manifest = await prepare(context, claim, digest)
  const outcome = await finishAtBucket(context, { session: claim.session, digest, manifest })
  return conclude(context, claim, outcome)
}

/** Nothing has been sent to be completed yet, so whatever goes wrong here gives the claim back. */
async function prepare(
  context: Context,
  claim: Claimed,
  digest: string | undefined,
): Promise<ManifestOutcome> {
  try {
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
): Promise<CompleteReply> {
  const { upload } = claim.session
  switch (outcome.kind) {
    case 'proven': {
      await settle(context, claim, 'completed', outcome.object)
      return { uploadId: upload.id, state: 'completed', object: outcome.object }
    }
    case 'corrupt':
      await settle(context, claim, 'failed')
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
      return afterLoss(context, await reopenUpload(context, upload))
    case 'unknown':
      // Whether the bucket completed it is not known. The claim stays, so that nothing else touches the
      // upload until its lease ends; then whoever asks next finds out by the object's token.
      throw outcome.fault
  }
}

/** Opened anew by this caller or another, unless somebody has ended the upload meanwhile. */
function afterLoss(context: Context, { session }: OpenedUpload): CompleteReply {
  const { upload, parts } = session
  if (upload.state === 'uploading') throw partsMissing(missingParts(upload, parts))
  return standing(context, upload)
}

function partsMissing(missing: readonly IndexRange[]): UploadError {
  const count = missing.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  const text = count === 1 ? 'One part is missing' : `${count} parts are missing`
  return new UploadError('PARTS_MISSING', `${text}; send them and complete again.`, {
    missing,
    state: 'uploading',
  })
}

function giveBack(context: Context, claim: Claimed): Promise<void> {
  return settle(context, claim, 'uploading')
}

/** A late holder's write changes nothing; then the one who took over has the say. */
async function settle(
  context: Context,
  { session, fence }: Claimed,
  to: 'uploading' | 'completed' | 'failed',
  object?: Upload['object'],
): Promise<void> {
  const now = context.clock.now()
  const lifetime = to === 'uploading' ? activeLifetime : finalLifetime
  await context.store.settle(session.upload, {
    ...lifetime(context, now),
    from: 'completing',
    to,
    fence,
    now,
    ...(object === undefined ? {} : { object }),
  })
}
