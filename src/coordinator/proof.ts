import { hasObjectDigest, type StoredObject } from '../protocol/index.js'
import type { Context } from './context.js'
import type { HeadObject } from './ports.js'
import { objectToken, TOKEN_METADATA_KEY, type Upload } from './session.js'

/**
 * Whether the object under the upload's key is the one that this upload, in this epoch, was to make.
 *
 * - `proven`: our token, our size, our digest. Only then may anyone be told "completed".
 * - `corrupt`: our token, but another size or digest.
 * - `not-ours`: no object, or one with another token. It says nothing about what happened before.
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
  if (head.kind === 'absent' || head.object.metadata[TOKEN_METADATA_KEY] !== objectToken(upload)) {
    return { kind: 'not-ours' }
  }
  const { object } = head
  const stored = hasObjectDigest(upload.checksum) ? object.digests[upload.checksum] : undefined
  const isIntact =
    object.size === upload.size &&
    (!hasObjectDigest(upload.checksum) || (stored !== undefined && stored === (digest ?? stored)))
  if (!isIntact) return { kind: 'corrupt' }
  return {
    kind: 'proven',
    object: storedObject(bucket.name, upload, { ...object, digest: stored }),
  }
}

function storedObject(
  bucket: string,
  { key, size }: Upload,
  { etag, versionId, digest }: HeadObject & { readonly digest: string | undefined },
): StoredObject {
  return {
    bucket,
    key,
    size,
    etag,
    ...(digest === undefined ? {} : { digest }),
    ...(versionId === undefined ? {} : { versionId }),
  }
}
