/**
 * What an owner has of what may be limited. Every amount is that of the owner's records, never of what was
 * counted on the way, so no crash can leave it wrong.
 *
 * | state | counts as | until |
 * |---|---|---|
 * | `creating` | open, its size reserved | its lease ends |
 * | `uploading`, `aborting` | open, its size reserved | `expiresAt` |
 * | `completing`, `verifying` | open, its size reserved | `keepUntil` |
 * | `completed`, `verifying` again (`standing`) | its size stored | `keepUntil` |
 * | `failed`, `aborted`, `expired` | nothing | |
 */
export interface Usage {
  /** Uploads under way. */
  readonly openUploads: number
  /** The sizes of those, in bytes. */
  readonly reservedBytes: number
  /** The sizes of the completed uploads of which there is a record, in bytes. */
  readonly storedBytes: number
  /**
   * Uploads that the owner has opened since the day began (UTC), and those that are just being opened. One
   * that is opened again, because its object or its parts were lost, is no other.
   */
  readonly uploadsToday: number
}

/** The most that an owner may have; what is absent is not limited. */
export interface UsageLimits {
  readonly maxOpenUploads?: number
  readonly maxReservedBytes?: number
  /** Of the bytes stored and the bytes reserved together: what is under way is about to be stored. */
  readonly maxStoredBytes?: number
  readonly maxUploadsPerDay?: number
}

/** Which limit would be exceeded: `used` of `max` is taken, and `asked` more were wanted. */
export interface Exceeded {
  readonly limit: keyof UsageLimits
  readonly max: number
  readonly used: number
  readonly asked: number
}

/** In the order in which they are told: what no waiting helps against comes first. */
export const USAGE_LIMITS = [
  'maxStoredBytes',
  'maxReservedBytes',
  'maxUploadsPerDay',
  'maxOpenUploads',
] as const satisfies readonly (keyof UsageLimits)[]

const AMOUNT: Readonly<Record<keyof UsageLimits, (usage: Usage) => number>> = {
  maxStoredBytes: ({ storedBytes, reservedBytes }) => storedBytes + reservedBytes,
  maxReservedBytes: ({ reservedBytes }) => reservedBytes,
  maxUploadsPerDay: ({ uploadsToday }) => uploadsToday,
  maxOpenUploads: ({ openUploads }) => openUploads,
}

/**
 * The first limit that a step from `before` to `after` would exceed. A step that does not add to an amount is
 * never refused for it, even where a limit has been lowered below what is taken.
 */
export function exceeded(limits: UsageLimits, before: Usage, after: Usage): Exceeded | undefined {
  for (const limit of USAGE_LIMITS) {
    const max = limits[limit]
    const [used, then] = [AMOUNT[limit](before), AMOUNT[limit](after)]
    if (max !== undefined && then > max && then > used)
      return { limit, max, used, asked: then - used }
  }
  return undefined
}

/** Whether `asked` bytes more would be too many among the stored ones, not counting what is under way. */
export function storedExceeded(max: number, used: number, asked: number): Exceeded | undefined {
  return used + asked > max ? { limit: 'maxStoredBytes', max, used, asked } : undefined
}

const DAY_MS = 24 * 60 * 60 * 1000

/** The number of the day (UTC) since 1970. */
export function dayOf(now: number): number {
  return Math.floor(now / DAY_MS)
}

/** In milliseconds. */
export function untilNextDay(now: number): number {
  return (dayOf(now) + 1) * DAY_MS - now
}

/** URLs that are about to be signed, and how many may be: of `n` parts, `perPart · n + spare` each day (UTC). */
export interface Signing {
  readonly urls: number
  readonly perPart: number
  readonly spare: number
}

/** `used` of `max` URLs have been signed today. */
export interface OverBudget {
  readonly used: number
  readonly max: number
}
