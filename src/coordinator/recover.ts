import { claimNow } from './claims.js'
import type { Context } from './context.js'
import { mergeListing } from './listing.js'
import { knownDigest } from './manifest.js'
import { reopenUpload } from './open-upload.js'
import { proveObject } from './proof.js'
import { notFound } from './replies.js'
import type { Session } from './session.js'
import { settleProven } from './settle-proven.js'

/** Changes of the parts by others that one reconciliation puts up with. */
const ATTEMPTS = 3

/**
 * Makes the record what the bucket says. The bucket is the truth, the store a fast memory of it: parts
 * that nobody reported are found, parts that were reported but are not there are struck off.
 */
export async function reconcile(context: Context, session: Session): Promise<Session> {
  let current = session
  for (let attempt = 1; ; attempt++) {
    const { upload } = current
    const { key, multipartId, epoch } = upload
    if (upload.state !== 'uploading' || multipartId === undefined) return current
    const listing = await context.bucket.listParts({ key, multipartId })
    if (listing.kind === 'gone') return recoverGone(context, current)
    const parts = mergeListing(current, listing.parts)
    const step = { epoch, revision: current.revision, parts }
    const isWritten = await context.store.replaceParts(upload, step)
    // Raced by reports: they are as true as the list, so after some tries the list alone will do.
    if (isWritten || attempt === ATTEMPTS) return { ...current, parts }
    current = (await context.store.find(upload, context.clock.now())) ?? current
  }
}

/**
 * The multipart upload of an upload that was taking parts is no longer there: it was completed by a
 * process that died before it could say so, or removed behind our back (a lifecycle rule, MinIO's own
 * clean-up after 24 h, an operator). The token on the object tells which. Absence alone proves nothing.
 */
async function recoverGone(context: Context, session: Session): Promise<Session> {
  const { upload } = session
  const digest = upload.digest ?? (upload.adopted ? await knownDigest(session) : undefined)
  const proof = await proveObject(context, upload, digest)
  if (proof.kind !== 'proven') return (await reopenUpload(context, upload)).session
  const claim = await claimNow(context, upload, { to: 'completing' })
  if (claim.kind === 'claimed') {
    const { fence, session: claimed } = claim
    const { object } = proof
    await settleProven(context, claimed.upload, { from: 'completing', fence, object })
  }
  const settled = await context.store.find(upload, context.clock.now())
  if (settled === undefined) throw notFound()
  return settled
}
