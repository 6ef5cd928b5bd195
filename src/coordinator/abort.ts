import type { AbortReply, AbortRequest } from '../protocol/index.js'
import { type Context, finalLifetime } from './context.js'
import type { Caller } from './partway.js'
import type { ClaimOutcome } from './ports.js'
import { type Proof, proveObject } from './proof.js'
import { completionInProgress, notFound, wrongState } from './replies.js'
import type { Upload } from './session.js'
import { UploadError } from './upload-error.js'

/** S3: parts that are still being sent may survive an abort, so it may have to be repeated. */
const ATTEMPTS = 3

type Claimed = Extract<ClaimOutcome, { kind: 'claimed' }>

/** Gives the upload up: its parts are removed from the bucket. Of a completed upload it is refused. */
export async function abort(
  context: Context,
  { owner }: Caller,
  { uploadId }: AbortRequest,
): Promise<AbortReply> {
  const now = context.clock.now()
  const { leaseMs } = context.settings
  const claim = await context.store.claim({ owner, id: uploadId }, { to: 'aborting', now, leaseMs })
  switch (claim.kind) {
    case 'not-found':
      throw notFound()
    case 'busy':
      throw completionInProgress(Math.min(claim.retryAfterMs, 5_000), claim.state)
    case 'wrong-state':
      if (claim.upload.state === 'aborted') return { uploadId, state: 'aborted' }
      throw wrongState(claim.upload, now)
    case 'claimed':
      return abortAtBucket(context, claim)
  }
}

/** The reply of an abort says nothing about a completion before it, so the object is asked as well. */
async function abortAtBucket(context: Context, claim: Claimed): Promise<AbortReply> {
  const { upload } = claim.session
  await removeParts(context, upload)
  const proof = await proveObject(context, upload, undefined)
  await settle(context, claim, proof)
  if (proof.kind === 'proven') {
    const completed: Upload = { ...upload, state: 'completed', object: proof.object }
    throw wrongState(completed, context.clock.now())
  }
  return { uploadId: upload.id, state: 'aborted' }
}

async function removeParts({ bucket }: Context, upload: Upload): Promise<void> {
  const { key, multipartId = '' } = upload
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await bucket.abortMultipartUpload({ key, multipartId })
    const left = await bucket.listParts({ key, multipartId })
    if (left.kind === 'gone') return
  }
  throw new UploadError('BUCKET_UNAVAILABLE', 'The bucket still holds parts; abort again.', {
    retryAfterMs: 2_000,
  })
}

async function settle(context: Context, { session, fence }: Claimed, proof: Proof): Promise<void> {
  const now = context.clock.now()
  await context.store.settle(session.upload, {
    ...finalLifetime(context, now),
    from: 'aborting',
    fence,
    now,
    ...(proof.kind === 'proven' ? { to: 'completed', object: proof.object } : { to: 'aborted' }),
  })
}
