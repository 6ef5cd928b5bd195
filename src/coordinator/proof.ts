import { hasObjectDigest, isObjectDigest, type StoredObject } from '../protocol/index.js'
import type { Context } from './context.js'
import type { HeadObject } from './ports.js'
import { TOKEN_METADATA_KEY, tokenEpoch, type Upload, type UploadDraft } from './session.js'

/**
 * Whether the object under the upload's key is the one that this upload, in this epoch, was to make.
 *
 * - `proven`: our token, our size, our digest. Only then may anyone be told "completed".
 * - `corrupt`: our token, but another size or digest.
 * - `not-ours`: no object, or one with another token. It says nothing about what happened before.
 *
 * "Our token" is that of our epoch. The epoch of an adopted multipart upload is not known, so for it any
 * epoch of this id will do: whatever made such an object went through this same check of every part and
 * the whole, of a file of the same identity, and the size and the digest are compared all the same. When
 * they differ, though, the object may be what another epoch left, so it is `not-ours`, never `corrupt`.
 */
export type Proof =
  | { readonly kind: 'proven'; readonly object: StoredObject }
  | { readonly kind: 'corrupt' }
  | { readonly kind: 'not-ours' }

/** Asks the bucket for the object. `digest` is what it must have, where the mode has one. */
export async function proveObject(
  { bucket }: Context,
  upload: Upload,
  digest: string | undefined,
): Promise<Proof> {
  const head = await bucket.headObject(upload.key)
  if (head.kind === 'absent') return { kind: 'not-ours' }
  const epoch = epochOf(upload, head.object)
  const isOurs = epoch === upload.epoch || (upload.adopted === true && epoch !== undefined)
  if (!isOurs) return { kind: 'not-ours' }
  const object = intact(bucket.name, upload, { ...head.object, expected: digest })
  if (object !== undefined) return { kind: 'proven', object }
  return { kind: upload.adopted ? 'not-ours' : 'corrupt' }
}

export interface LostObject {
  readonly object: StoredObject
  /** That of its token. */
  readonly epoch: number
}

/**
 * The finished object of an upload whose record is lost: it has a token of this id, the declared size and,
 * where the mode has one, a digest of as many parts, which is the declared one if one was declared. Of
 * epochs up to `judged` the store had a record, and no such object is what that record promised.
 */
export async function findLostObject(
  { bucket }: Context,
  draft: UploadDraft,
  judged: number,
): Promise<LostObject | undefined> {
  const head = await bucket.headObject(draft.key)
  if (head.kind === 'absent') return undefined
  const epoch = epochOf(draft, head.object)
  if (epoch === undefined || epoch <= judged) return undefined
  const object = intact(bucket.name, draft, { ...head.object, expected: draft.digest })
  if (object === undefined) return undefined
  const { digest } = object
  const isWhole = digest === undefined || isObjectDigest(draft.checksum, digest, draft.totalChunks)
  return isWhole ? { object, epoch } : undefined
}

function epochOf({ id }: UploadDraft, { metadata }: HeadObject): number | undefined {
  return tokenEpoch(id, metadata[TOKEN_METADATA_KEY])
}

/** The object as it is stored with the upload, if it has the upload's size and digest. */
function intact(
  bucket: string,
  { key, size, checksum }: UploadDraft,
  found: HeadObject & { readonly expected: string | undefined },
): StoredObject | undefined {
  const digest = hasObjectDigest(checksum) ? found.digests[checksum] : undefined
  const isAsExpected = digest !== undefined && digest === (found.expected ?? digest)
  if (found.size !== size || (hasObjectDigest(checksum) && !isAsExpected)) return undefined
  const { etag, versionId } = found
  return {
    bucket,
    key,
    size,
    etag,
    ...(digest === undefined ? {} : { digest }),
    ...(versionId === undefined ? {} : { versionId }),
  }
}
