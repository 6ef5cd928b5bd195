const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * How long to wait after each attempt that failed, in ms: what
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md advises, 3 days in all.
 */
const PAUSES: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]

/** A receiver may ask for as much, and no more. */
const MAX_PAUSE = 24 * HOUR

export interface PauseOptions {
  /** 0 to 1. So that what failed at once does not come again at once. */
  readonly random: number
  /** What the receiver asks for, in ms. */
  readonly retryAfterMs?: number | undefined
}

/** How long to wait when so many attempts have failed, in ms; `undefined` when that is enough. */
export function retryPause(
  attempts: number,
  { random, retryAfterMs = 0 }: PauseOptions,
): number | undefined {
  const pause = PAUSES[attempts - 1]
  if (pause === undefined) return undefined
  return Math.round(Math.max(pause * (0.8 + 0.4 * random), Math.min(retryAfterMs, MAX_PAUSE)))
}
