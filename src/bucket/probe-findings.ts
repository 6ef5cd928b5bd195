import { CHECKSUM_MODES, type ChecksumMode } from '../protocol/index.js'
import {
  type BucketFlags,
  type BucketReport,
  canDo,
  type Finding,
  remembering,
} from './probe-report.js'

/** From here on the clocks are said to differ, and URLs are dated by the bucket's. In ms. */
export const CLOCK_TOLERANCE_MS = 5_000

/** In plain words: what the bucket does, what it does not, and what that means for uploads. */
export function findingsOf({
  flags,
  clockOffsetMs,
  faults,
}: Omit<BucketReport, 'findings'>): readonly Finding[] {
  return [
    ...usability(flags),
    ...CHECKSUM_MODES.filter((mode) => mode !== 'none').map((mode) => modeFinding(flags, mode)),
    ...enforcement(flags),
    clockFinding(clockOffsetMs),
    ...faults.map((fault): Finding => ({ level: 'unknown', text: `A step failed: ${fault}.` })),
  ]
}

/** `report`, with what `before` knew of whatever met a fault this time. */
export function rememberingReport(
  before: BucketReport | undefined,
  report: BucketReport,
): BucketReport {
  if (before === undefined) return report
  const whole = { ...report, flags: remembering(before.flags, report.flags) }
  return { ...whole, findings: findingsOf(whole) }
}

function usability({ multipart, metadataOnHead }: BucketFlags): Finding[] {
  if (multipart === 'no') {
    return [{ level: 'broken', text: 'The bucket does not take multipart uploads.' }]
  }
  const ok = 'Multipart uploads work, and the metadata that proves them comes back.'
  const lacking =
    'The metadata of an object does not come back on HEAD, so no upload can be proven to be complete.'
  const unknown = 'Whether a multipart upload can be proven could not be found out.'
  if (metadataOnHead === 'no') return [{ level: 'broken', text: lacking }]
  return [
    metadataOnHead === 'yes' ? { level: 'ok', text: ok } : { level: 'unknown', text: unknown },
  ]
}

const CHECKED: Record<Exclude<ChecksumMode, 'none'>, string> = {
  sha256: 'SHA-256 of every part and the root over all parts',
  crc64nvme: 'CRC-64/NVME of every part and of the whole object',
  crc32c: 'CRC-32C of every part and of the whole object',
  crc32: 'CRC-32 of every part and of the whole object',
  md5: 'MD5 of every part',
}

function modeFinding(flags: BucketFlags, mode: Exclude<ChecksumMode, 'none'>): Finding {
  const what = CHECKED[mode]
  switch (canDo(flags, mode)) {
    case 'yes':
      return { level: 'ok', text: `The bucket checks the ${what}.` }
    case 'no':
      return {
        level: 'less',
        text: `The bucket does not check the ${what}: checksum "${mode}" is not offered.`,
      }
    case 'unknown':
      return {
        level: 'unknown',
        text: `Whether the bucket checks the ${what} could not be found out; checksum "${mode}" is offered.`,
      }
  }
}

function enforcement(flags: BucketFlags): Finding[] {
  const text = 'A part URL takes a body of another length than was signed.'
  return flags.contentLengthEnforced === 'no' ? [{ level: 'less', text }] : []
}

function clockFinding(offsetMs: number | undefined): Finding {
  if (offsetMs === undefined) {
    return { level: 'unknown', text: "The bucket's clock could not be read." }
  }
  if (Math.abs(offsetMs) <= CLOCK_TOLERANCE_MS) {
    return { level: 'ok', text: "This machine's clock agrees with the bucket's." }
  }
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  const side = offsetMs > 0 ? 'behind' : 'ahead of'
  const text = `This machine's clock is ${seconds} s ${side} the bucket's; URLs are dated by the bucket's.`
  return { level: 'less', text }
}
