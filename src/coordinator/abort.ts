import type { AbortReply, AbortRequest } from '../protocol/index.js'
import { overLimit } from './admission.js'
import { type Claimed, claimNow, settleNow } from './claims.js'
import type { Context } from './context.js'
import type { Caller } from './partway.js'
import type { UploadRef } from './ports.js'
import { removeParts } from './remove-parts.js'
import { completionInProgress, notFound, wrongState } from './replies.js'
import { settleProven } from './settle-proven.js'

/** Gives the upload up: its parts are removed from the bucket. Of a completed upload it is refused. */
export async function abort(
  context: Context,
  { owner }: Caller,
  { uploadId }: AbortRequest,
): Promise<AbortReply> {
  const claim = await claimNow(context, { owner, id: uploadId }, { to: 'aborting' })
  switch (claim.kind) {
    case 'not-found':
      throw notFound()
    case 'busy':
      throw completionInProgress(Math.min(claim.retryAfterMs, 5_000), claim.state)
    case 'over-limit':
      throw overLimit(claim, context.clock.now())
    case 'wrong-state': {
      const { state } = claim.upload
      if (state === 'aborted' || state === 'expired') return { uploadId, state }
      context.announce(claim.upload)
      throw wrongState(claim.upload, context.clock.now())
    }
    case 'claimed':
      return abortAtBucket(context, claim, 'aborted')
  }
}

/**
 * Ends an upload whose time is over, and an abort that nobody finished. As `abort` in two steps: first what
 * is in the bucket, then the record.
 */
export async function expire(context: Context, ref: UploadRef): Promise<void> {
  const claim = await claimNow(context, ref, { to: 'aborting' })
  if (claim.kind !== 'claimed') return
  const isOver = claim.session.upload.expiresAt <= context.clock.now()
  await abortAtBucket(context, claim, isOver ? 'expired' : 'aborted')
}

async function abortAtBucket(
  context: Context,
  { session: { upload }, fence }: Claimed,
  to: 'aborted' | 'expired',
): Promise<AbortReply> {
  const proof = await removeParts(context, upload)
  if (proof.kind === 'proven') {
    const { object } = proof
    const proven = await settleProven(context, upload, { from: 'aborting', fence, object })
    throw wrongState(
      { ...upload, ...(proven ?? { state: 'completed', object }) },
      context.clock.now(),
    )
  }
  await settleNow(context, upload, { from: 'aborting', to, fence })
  return { uploadId: upload.id, state: to }
}
