import { activeLifetime, type Context } from './context.js'
import { mergeListing } from './listing.js'
import type { Found } from './look-up.js'
import type { Session, Upload, UploadDraft } from './session.js'
import { settleProven } from './settle-proven.js'
import { UploadError } from './upload-error.js'

export interface Creation {
  readonly epoch: number
  readonly fence: number
  readonly judged: number
}

type FoundObject = Extract<Found, { kind: 'object' }>
type FoundMultipart = Extract<Found, { kind: 'multipart' }>

/** The record of an upload whose object is there. `undefined` when another caller took the creation over. */
export async function takeObject(
  context: Context,
  draft: UploadDraft,
  { fence, object, epoch, ghosts }: Creation & FoundObject,
): Promise<Session | undefined> {
  const step = { from: 'creating', fence, epoch, object } as const
  const proven = await settleProven(context, draft, step)
  if (proven === undefined) return undefined
  await abortGhosts(context, draft.key, ghosts)
  return { upload: { ...draft, ...proven, epoch }, parts: [], revision: 0 }
}

/** The record of an upload whose multipart upload is there, with the parts that it holds. */
export async function adoptMultipart(
  context: Context,
  draft: UploadDraft,
  { fence, epoch, multipartId, parts: listed, ghosts }: Creation & FoundMultipart,
): Promise<Session | undefined> {
  const now = context.clock.now()
  const step = { fence, multipartId, now, adopted: true } as const
  if (!(await context.store.open(draft, step))) return undefined
  await abortGhosts(context, draft.key, ghosts)
  const lifetime = activeLifetime(context, now)
  const upload: Upload = {
    ...draft,
    ...lifetime,
    state: 'uploading',
    epoch,
    multipartId,
    adopted: true,
  }
  const parts = mergeListing({ upload, parts: [], revision: 0 }, listed)
  // When a report came first this changes nothing, and what it leaves out completion finds in the list.
  const isWritten = await context.store.replaceParts(draft, { epoch, revision: 0, parts })
  return { upload, parts, revision: isWritten ? 1 : 0 }
}

/**
 * Removes what interrupted creators left under the key. Only for whom the store has confirmed as the
 * creator, after that: then the record names the one multipart upload that counts, and whoever opens one
 * under this key later does so after this list was made.
 */
async function abortGhosts(
  { bucket }: Context,
  key: string,
  ghosts: readonly string[],
): Promise<void> {
  try {
    for (const multipartId of ghosts) await bucket.abortMultipartUpload({ key, multipartId })
  } catch (fault) {
    // A ghost harms nobody and costs only room; the upload itself is there.
    if (!(fault instanceof UploadError)) throw fault
  }
}
