import { type IndexRange, missingRanges, partSize } from '../protocol/index.js'
import type { ListedPart } from './ports.js'
import { isArrived, type PartRecord, type Session, type Upload } from './session.js'

/**
 * What is known of the parts once the bucket has listed them. A listed part counts as arrived when its
 * size is exact and its checksum is the one that its latest URL was signed for; where nothing was signed
 * (a record lost and begun anew), the bucket's own checksum is taken. Whatever is recorded as arrived but
 * is not in the list has not arrived.
 */
export function mergeListing(session: Session, listed: readonly ListedPart[]): PartRecord[] {
  const { upload } = session
  const merged = new Map<number, PartRecord>()
  for (const { index, checksum } of session.parts) {
    if (checksum !== undefined) merged.set(index, { index, checksum })
  }
  for (const part of listed) {
    const signed = merged.get(part.index)?.checksum
    if (isPartOf(upload, part) && (signed ?? part.checksum) === part.checksum) {
      const { index, etag, checksum } = part
      merged.set(index, checksum === undefined ? { index, etag } : { index, etag, checksum })
    }
  }
  return [...merged.values()].sort((a, b) => a.index - b.index)
}

function isPartOf(upload: Upload, part: ListedPart): boolean {
  return part.index <= upload.totalChunks && part.size === partSize(upload, part.index)
}

/** The runs of parts that have not arrived. */
export function missingParts(upload: Upload, parts: readonly PartRecord[]): IndexRange[] {
  const arrived = new Set(parts.filter(isArrived).map((part) => part.index))
  return missingRanges(upload.totalChunks, (index) => arrived.has(index))
}
