import type { StoredObject } from '../protocol/index.js'
import { keyedHash } from './identity.js'
import type { UploadDraft } from './session.js'

/**
 * What the content of an upload is known by within its owner's uploads: keyed hashes, so that a store says
 * nothing of whose files are the same.
 *
 * Only what was verified stands for content: the SHA-256 root, which the bucket compared part by part and as a
 * whole, and a SHA-256 of the whole file, for which the object was read. A CRC can be forged, and two files
 * of one MD5 can be bought, so neither does: whoever sends a second file would be given the first.
 */
export function verifiedContents(
  secret: string,
  upload: UploadDraft,
  object: StoredObject,
): readonly string[] {
  const { size } = upload
  return [
    ...(upload.checksum === 'sha256' && object.digest !== undefined
      ? [rootContent(secret, upload, object.digest)]
      : []),
    ...(object.sha256 === undefined ? [] : [hashContent(secret, size, object.sha256)]),
  ]
}

/** What a client says that the content is, in the same form; `undefined` when it says nothing that counts. */
export function declaredContent(secret: string, draft: UploadDraft): string | undefined {
  const { checksum, digest, fileHash, size } = draft
  if (checksum === 'sha256' && digest !== undefined) return rootContent(secret, draft, digest)
  const isSha256 = fileHash?.length === 64
  return isSha256 ? hashContent(secret, size, fileHash) : undefined
}

/** The same bytes have the same root only when they are cut at the same places. */
function rootContent(secret: string, { size, chunkSize }: UploadDraft, root: string): string {
  return keyedHash(secret, ['partway content 1', 'root', size, chunkSize, root])
}

function hashContent(secret: string, size: number, hash: string): string {
  return keyedHash(secret, ['partway content 1', 'sha256', size, hash])
}
