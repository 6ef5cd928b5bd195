import type { Context } from './context.js'
import type { ListedPart } from './ports.js'
import { findLostObject, type LostObject } from './proof.js'
import type { UploadDraft } from './session.js'

/** What the bucket has of an upload that the store has no record of. */
export type Found =
  | ({ readonly kind: 'object'; readonly ghosts: readonly string[] } & LostObject)
  /** `ghosts` are the other multipart uploads under the key. */
  | {
      readonly kind: 'multipart'
      readonly multipartId: string
      readonly parts: readonly ListedPart[]
      readonly ghosts: readonly string[]
    }
  | { readonly kind: 'nothing' }

export interface LookUp {
  /** See `BeginOutcome`. */
  readonly judged: number
  /** Whether the object was just asked for, and is not there or not to be had. */
  readonly isObjectKnown: boolean
}

/**
 * Asks the bucket, before anything new is opened, what is left of the upload: the key is a function of the
 * id, so whatever is there under exactly this key is ours. A bucket that tells no list has none to find.
 */
export async function lookUp(
  context: Context,
  draft: UploadDraft,
  { judged, isObjectKnown }: LookUp,
): Promise<Found> {
  const findObject = () => findLostObject(context, draft, judged)
  const [object, listing] = await Promise.all([
    isObjectKnown ? undefined : findObject(),
    context.bucket.listMultipartUploads(draft.key),
  ])
  const listed = listing.kind === 'listed' ? listing.uploads : []
  const ids = listed.map(({ multipartId }) => multipartId)
  if (object !== undefined) return { kind: 'object', ...object, ghosts: ids }
  const multipart = await fullest(context, draft.key, ids)
  if (multipart !== undefined) {
    const ghosts = ids.filter((id) => id !== multipart.multipartId)
    return { kind: 'multipart', ...multipart, ghosts }
  }
  // What was listed and is gone by now was aborted, or completed after the object had been asked for.
  const late = ids.length === 0 ? undefined : await findObject()
  return late === undefined ? { kind: 'nothing' } : { kind: 'object', ...late, ghosts: [] }
}

interface Multipart {
  readonly multipartId: string
  readonly parts: readonly ListedPart[]
}

/**
 * The multipart upload with most parts; of equals the newest. There is more than one only after a creator
 * was interrupted, and an empty one must not win over what a client has sent already.
 */
async function fullest(
  { bucket }: Context,
  key: string,
  newestFirst: readonly string[],
): Promise<Multipart | undefined> {
  let best: Multipart | undefined
  for (const multipartId of newestFirst) {
    const listing = await bucket.listParts({ key, multipartId })
    if (listing.kind === 'gone') continue
    const { parts } = listing
    if (best === undefined || parts.length > best.parts.length) best = { multipartId, parts }
  }
  return best
}
