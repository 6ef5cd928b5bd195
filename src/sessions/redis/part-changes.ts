import type { Signing } from '../../coordinator/ports.js'
import type { PartRecord } from '../../coordinator/session.js'
import { isHexEtag } from '../part-slots.js'

/** Parts in the form that the scripts read; `lua/record-5.lua` says what it is. */

const KIND = { signed: 0, hexEtag: 1, oddEtag: 2 } as const

/** Where the checksum begins: after the index, the kind and the checksum's length. */
const HEAD_BYTES = 6
const MAX_INDEX = 0xffff_ffff

const NONE = Buffer.alloc(0)
/** As no checksum has one byte, the script refuses it whatever the mode. */
const MALFORMED = Buffer.alloc(1)

/** In the order given. */
export function encodeChanges(parts: readonly PartRecord[]): Buffer {
  return Buffer.concat(parts.map(encodeChange))
}

function encodeChange({ index, checksum, etag }: PartRecord): Buffer {
  const sum = checksum === undefined ? NONE : checksumBytes(checksum)
  const isHex = etag !== undefined && isHexEtag(etag)
  const tag = etag === undefined ? NONE : Buffer.from(etag, isHex ? 'hex' : 'utf8')
  const tagAt = HEAD_BYTES + sum.length + 2
  const change = Buffer.allocUnsafe(tagAt + tag.length)
  change.writeUInt32BE(isIndex(index) ? index : 0, 0)
  change.writeUInt8(etag === undefined ? KIND.signed : isHex ? KIND.hexEtag : KIND.oddEtag, 4)
  change.writeUInt8(sum.length, 5)
  change.set(sum, HEAD_BYTES)
  change.writeUInt16BE(tag.length, tagAt - 2)
  change.set(tag, tagAt)
  return change
}

/** Which length is right depends on the upload's mode, which only the script sees. */
function checksumBytes(checksum: string): Buffer {
  const bytes = Buffer.from(checksum, 'base64')
  const isCanonical = bytes.toString('base64') === checksum
  return isCanonical && bytes.length > 0 && bytes.length <= 0xff ? bytes : MALFORMED
}

/** Any other number is sent as 0, which is no upload's index. */
function isIndex(index: number): boolean {
  return Number.isInteger(index) && index > 0 && index <= MAX_INDEX
}

/** The lowest and the highest index of the changes; 1 and 1 when there are none. */
export function span(parts: readonly PartRecord[]): readonly [low: number, high: number] {
  let low = MAX_INDEX
  let high = 1
  for (const { index } of parts) {
    if (!isIndex(index)) continue
    low = Math.min(low, index)
    high = Math.max(high, index)
  }
  return [Math.min(low, high), high]
}

const NOTHING_SIGNED: Signing = { urls: 0, perPart: 0, spare: Number.MAX_SAFE_INTEGER }

/** What `begin` and `record` are told of the URLs that are about to be signed. */
export function signingArgs({ urls, perPart, spare }: Signing = NOTHING_SIGNED): number[] {
  return [urls, perPart, spare]
}
