import type { PartsChange } from '../../coordinator/ports.js'
import type { PartRecord } from '../../coordinator/session.js'
import { type ChecksumMode, isPartChecksum, type Layout } from '../../protocol/index.js'
import type { RefusalKind } from '../refused-part.js'

type Shape = Layout & { readonly checksum: ChecksumMode }

export interface Refusal {
  readonly kind: RefusalKind
  readonly index: number
}

export type PartsByIndex = ReadonlyMap<number, PartRecord>

/** The parts that `change` makes other than they are in `known`, or the first that it cannot change. */
export function changedParts(
  shape: Shape,
  known: PartsByIndex,
  { signed, arrived }: PartsChange,
): PartsByIndex | Refusal {
  const changed = new Map<number, PartRecord>()
  const latest = (index: number) => changed.get(index) ?? known.get(index)
  for (const { index, checksum } of signed) {
    const refusal = refusalOf(shape, { index, checksum })
    if (refusal !== undefined) return refusal
    if (latest(index)?.checksum !== checksum) changed.set(index, { index, checksum })
  }
  for (const part of arrived) {
    const { index, etag } = part
    const signedFor = latest(index)?.checksum
    const checksum = part.checksum ?? signedFor
    const refusal = refusalOf(shape, part)
    if (refusal !== undefined) return refusal
    if (signedFor !== undefined && checksum !== signedFor)
      return { kind: 'checksum-differs', index }
    changed.set(index, { index, etag, ...(checksum === undefined ? {} : { checksum }) })
  }
  for (const [index, part] of changed) if (isSame(part, known.get(index))) changed.delete(index)
  return changed
}

/** Why the upload cannot have such a part. */
export function refusalOf(
  { totalChunks, checksum: mode }: Shape,
  { index, checksum }: PartRecord,
): Refusal | undefined {
  const isInRange = Number.isInteger(index) && index >= 1 && index <= totalChunks
  if (!isInRange) return { kind: 'index-out-of-range', index }
  const isFit = checksum === undefined || isPartChecksum(mode, checksum)
  return isFit ? undefined : { kind: 'checksum-malformed', index }
}

function isSame(a: PartRecord, b: PartRecord | undefined): boolean {
  return a.checksum === b?.checksum && a.etag === b?.etag
}
