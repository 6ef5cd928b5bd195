import { hasObjectDigest, type IndexRange, missingRanges, partSize } from '../protocol/index.js'
import type { ListedPart } from './ports.js'
import { isArrived, type PartRecord, type Session, type Upload } from './session.js'

/**
 * What is known of the parts once the bucket has listed them. A listed part counts as arrived when its
 * size is exact and its bytes are those that its latest URL was signed for; where nothing was signed (a
 * record lost and begun anew), the bucket's own checksum is taken. Whatever is recorded as arrived but is
 * not in the list has not arrived.
 */
export function mergeListing(session: Session, listed: readonly ListedPart[]): PartRecord[] {
  const { upload } = session
  const recorded = new Map(session.parts.map((part) => [part.index, part]))
  const merged = new Map<number, PartRecord>()
  for (const { index, checksum } of session.parts) {
    if (checksum !== undefined) merged.set(index, { index, checksum })
  }
  for (const part of listed) {
    const { index, etag } = part
    const record = recorded.get(index)
    if (!isPartOf(upload, part) || !hasSignedBytes(upload, part, record)) continue
    const checksum = part.checksum ?? record?.checksum
    merged.set(index, checksum === undefined ? { index, etag } : { index, etag, checksum })
  }
  return [...merged.values()].sort((a, b) => a.index - b.index)
}

function isPartOf(upload: Upload, part: ListedPart): boolean {
  return part.index <= upload.totalChunks && part.size === partSize(upload, part.index)
}

/**
 * A bucket lists no checksum where it keeps none (`md5`, `none`). Then the ETag stands for the bytes: the
 * one that was reported for this very checksum or, where the bucket makes it so, the MD5 itself. Under
 * SSE-KMS an ETag is not an MD5, which is why it is never held against a part that was reported. With
 * another ETag than was reported, other bytes came later: they have to be sent again.
 */
function hasSignedBytes(
  { checksum: mode }: Upload,
  listed: ListedPart,
  record: PartRecord | undefined,
): boolean {
  const signed = record?.checksum
  if (listed.checksum !== undefined) return signed === undefined || signed === listed.checksum
  if (signed === undefined) {
    const isAsReported = record?.etag === undefined || record.etag === listed.etag
    return isAsReported && !hasObjectDigest(mode)
  }
  const isMd5 = mode === 'md5' && listed.etag === Buffer.from(signed, 'base64').toString('hex')
  return isMd5 || listed.etag === record?.etag
}

/** The runs of parts that have not arrived. */
export function missingParts(upload: Upload, parts: readonly PartRecord[]): IndexRange[] {
  const arrived = new Set(parts.filter(isArrived).map((part) => part.index))
  return missingRanges(upload.totalChunks, (index) => arrived.has(index))
}
