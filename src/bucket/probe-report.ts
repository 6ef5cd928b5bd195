import type { BucketCapabilities } from '../coordinator/capabilities.js'
import { CHECKSUM_MODES, type ChecksumMode } from '../protocol/index.js'

/** `unknown`: the step that would tell met a fault (a timeout, a 5xx, a 403), which says neither. */
export type Answer = 'yes' | 'no' | 'unknown'

/** What a bucket can do, as it was found by doing it. */
export interface BucketFlags {
  /** A plain multipart upload can be opened, sent and completed. */
  readonly multipart: Answer
  /** The metadata of a multipart upload comes back on HEAD of its object. */
  readonly metadataOnHead: Answer
  /** A part URL takes no body of another length than was signed. */
  readonly contentLengthEnforced: Answer
  /** A part URL takes no other bytes than those of the signed checksum, in every mode that there is. */
  readonly partChecksumEnforced: Answer
  /** SHA-256: parts are checked, a wrong root is refused, the right one taken and given back on HEAD. */
  readonly sha256Root: Answer
  /** The same of each CRC of the whole object. */
  readonly fullObjectCrc: Readonly<Record<'crc64nvme' | 'crc32c' | 'crc32', Answer>>
  /** `Content-MD5` of a part is checked. */
  readonly contentMd5: Answer
  /** Complete with `If-None-Match: *` replaces no object. */
  readonly ifNoneMatchOnComplete: Answer
  /** What is answered to Complete when it has succeeded before. */
  readonly completeReplay: 'completed' | 'gone' | 'conflict' | 'unknown'
  /** What ListMultipartUploads finds an open upload by. */
  readonly listMultipart: 'prefix' | 'exact-key' | 'none' | 'unknown'
}

export interface Finding {
  /** `less`: it works, but something is not to be had. `broken`: no upload can be completed. */
  readonly level: 'ok' | 'less' | 'broken' | 'unknown'
  /** One plain sentence. */
  readonly text: string
}

export interface BucketReport {
  readonly flags: BucketFlags
  /** How far the bucket's clock is ahead of ours, in ms, to about half a second. Absent if not known. */
  readonly clockOffsetMs?: number
  /** The steps that met a fault, and its name. */
  readonly faults: readonly string[]
  readonly findings: readonly Finding[]
}

export const UNKNOWN_FLAGS: BucketFlags = {
  multipart: 'unknown',
  metadataOnHead: 'unknown',
  contentLengthEnforced: 'unknown',
  partChecksumEnforced: 'unknown',
  sha256Root: 'unknown',
  fullObjectCrc: { crc64nvme: 'unknown', crc32c: 'unknown', crc32: 'unknown' },
  contentMd5: 'unknown',
  ifNoneMatchOnComplete: 'unknown',
  completeReplay: 'unknown',
  listMultipart: 'unknown',
}

/** What the coordinator is told. */
export function capabilitiesOf(flags: BucketFlags): BucketCapabilities {
  return { modes: CHECKSUM_MODES.filter((mode) => canDo(flags, mode) !== 'no') }
}

export function canDo(flags: BucketFlags, mode: ChecksumMode): Answer {
  switch (mode) {
    case 'sha256':
      return flags.sha256Root
    case 'md5':
      return flags.contentMd5
    case 'none':
      return 'yes'
    default:
      return flags.fullObjectCrc[mode]
  }
}

/** Whether to probe again may tell more. */
export function isIncomplete({ flags, faults }: BucketReport): boolean {
  const answers = [flags.metadataOnHead, ...CHECKSUM_MODES.map((mode) => canDo(flags, mode))]
  return faults.length > 0 || answers.includes('unknown')
}

/** `flags`, and what was found out before of whatever they do not know. */
export function remembering(before: BucketFlags, flags: BucketFlags): BucketFlags {
  return {
    ...knownOf(before, flags),
    fullObjectCrc: knownOf(before.fullObjectCrc, flags.fullObjectCrc),
  }
}

function knownOf<T extends object>(before: T, now: T): T {
  const known = Object.entries(now).filter(([, answer]) => answer !== 'unknown')
  return { ...before, ...Object.fromEntries(known) }
}
