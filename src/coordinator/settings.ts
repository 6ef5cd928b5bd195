import { type ChecksumMode, type LayoutLimits, S3_LIMITS } from '../protocol/index.js'

const DAY_MS = 24 * 60 * 60 * 1000

export interface CoordinatorSettings {
  /** How long a signed URL is good for, in seconds. @default 900 */
  readonly urlTtlSeconds: number
  /** How long an upload waits for its next part, in milliseconds. @default 7 days */
  readonly sessionTtlMs: number
  /** How long the record of a finished upload answers late callers, in milliseconds. @default 7 days */
  readonly retentionMs: number
  /** How many parts of which sizes the bucket takes. @default those of S3 */
  readonly limits: Omit<LayoutLimits, 'maxObjectSize'>
  /** The mode for a client that names none. @default the strongest that the bucket can do */
  readonly defaultChecksum?: ChecksumMode
  /** What every object key begins with. @default '' */
  readonly keyPrefix: string
  /**
   * How long one caller may take over creation (15 s at most), completion or abort before another may
   * try, in ms. @default 60 s
   */
  readonly leaseMs: number
  /**
   * How many URLs may be signed for an upload of `n` parts each day (UTC): so many times `n`, and 100 more.
   * @default 10
   */
  readonly signBudget: number
}

export const DEFAULT_SETTINGS: CoordinatorSettings = {
  urlTtlSeconds: 900,
  sessionTtlMs: 7 * DAY_MS,
  retentionMs: 7 * DAY_MS,
  limits: S3_LIMITS,
  keyPrefix: '',
  leaseMs: 60_000,
  signBudget: 10,
}
