import type { PartRecord } from '../coordinator/session.js'
import { CHECKSUM_BYTES, type ChecksumMode } from '../protocol/index.js'

/**
 * How both stores keep what is known of a part: as a slot, of one length for all parts of an upload. It is
 * a mark, 16 bytes of ETag and the bytes of the checksum: 49 bytes with SHA-256, at most 33 otherwise.
 * S3's ETag of a part is nearly always 16 bytes in hexadecimal; any other (with some kinds of encryption,
 * or from other servers) is *odd* and kept beside the slots as text.
 */

/** The bits of a slot's first byte: what of it is known. All 0 when nothing is. */
export const MARK = { checksum: 1, hexEtag: 2, oddEtag: 4 } as const

const ETAG_BYTES = 16
const CHECKSUM_AT = 1 + ETAG_BYTES
const HEX_ETAG = /^[0-9a-f]{32}$/

export function slotBytes(mode: ChecksumMode): number {
  return CHECKSUM_AT + CHECKSUM_BYTES[mode]
}

export function isHexEtag(etag: string): boolean {
  return HEX_ETAG.test(etag)
}

/** The slots of `parts`, one after the other in the order given. Checksums must be of that mode. */
export function encodeSlots(mode: ChecksumMode, parts: readonly PartRecord[]): Buffer {
  const size = slotBytes(mode)
  const slots = Buffer.alloc(size * parts.length)
  for (const [position, { checksum, etag }] of parts.entries()) {
    const at = position * size
    slots[at] = (checksum === undefined ? 0 : MARK.checksum) | etagMark(etag)
    if (etag !== undefined && isHexEtag(etag)) slots.write(etag, at + 1, 'hex')
    if (checksum !== undefined) slots.write(checksum, at + CHECKSUM_AT, 'base64')
  }
  return slots
}

function etagMark(etag: string | undefined): number {
  if (etag === undefined) return 0
  return isHexEtag(etag) ? MARK.hexEtag : MARK.oddEtag
}

export interface Slots {
  readonly mode: ChecksumMode
  readonly bytes: Buffer
  /** The index of the part whose slot is at that position, from 0. */
  readonly indexAt: (position: number) => number
  /** By index. */
  readonly oddEtags: ReadonlyMap<number, string>
}

/** The parts of which anything is known, in the order of their slots. */
export function decodeSlots({ mode, bytes, indexAt, oddEtags }: Slots): PartRecord[] {
  const size = slotBytes(mode)
  const hex = bytes.toString('hex')
  const parts: PartRecord[] = []
  for (let at = 0; at + size <= bytes.length; at += size) {
    const mark = bytes[at] ?? 0
    if (mark === 0) continue
    const index = indexAt(at / size)
    const hexEtag = hex.slice(2 * (at + 1), 2 * (at + CHECKSUM_AT))
    const etag = (mark & MARK.hexEtag) === 0 ? oddEtags.get(index) : hexEtag
    const isSummed = (mark & MARK.checksum) !== 0
    parts.push({
      index,
      ...(isSummed ? { checksum: bytes.toString('base64', at + CHECKSUM_AT, at + size) } : {}),
      ...(etag === undefined ? {} : { etag }),
    })
  }
  return parts
}
