import type { StoredObject } from '../protocol/index.js'
import type { Context } from './context.js'
import type { Session, Upload, UploadDraft } from './session.js'
import { settleProven } from './settle-proven.js'
import type { Creation } from './take-over.js'

/**
 * Instant upload: the record of an upload whose content the same owner has stored already, with that
 * object as its own. `undefined` when there is none to be had: then the upload is an ordinary one.
 *
 * The object is asked for each time, because it may have been removed or replaced since. What is fixed with an
 * object, its type and its metadata, must be what was asked for now. A name may differ: the reply names the
 * object's key, and it is saved under the name that is in there.
 */
export async function takeTwin(
  context: Context,
  draft: UploadDraft,
  { epoch, fence, twin }: Creation & { readonly twin: Upload },
): Promise<Session | undefined> {
  const { object } = twin
  if (object === undefined || !isDescribedAlike(draft, twin)) return undefined
  if (!(await stands(context, object))) return undefined
  const proven = await settleProven(context, draft, {
    from: 'creating',
    fence,
    object,
    isLookedAt: true,
  })
  return proven && { upload: { ...draft, ...proven, epoch }, parts: [], revision: 0 }
}

/**
 * Whether the object that an upload was given when it was made is still exactly that one. Its digest is of the
 * mode of the upload that made it, which need not be that of the one that was given it.
 */
export async function stands({ bucket }: Context, object: StoredObject): Promise<boolean> {
  const head = await bucket.headObject(object.key)
  if (head.kind === 'absent') return false
  const { size, etag, digests } = head.object
  const hasDigest = object.digest === undefined || Object.values(digests).includes(object.digest)
  return size === object.size && etag === object.etag && hasDigest
}

function isDescribedAlike(draft: UploadDraft, twin: UploadDraft): boolean {
  const described = ({ contentType, metadata = {} }: UploadDraft) =>
    JSON.stringify([contentType, Object.entries(metadata).sort()])
  return described(draft) === described(twin)
}
