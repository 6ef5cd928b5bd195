import type { ClientPorts } from './ports.js'

export interface RetryPolicy {
  /** How often a call or a part is tried in all. */
  readonly tries: number
  /** The longest wait before the second try; it doubles with each further one, up to `capMs`. */
  readonly baseMs: number
  readonly capMs: number
  /** A server that asks for a longer pause than this is taken to be away. */
  readonly longestPauseMs: number
}

export const DEFAULT_RETRY: RetryPolicy = {
  tries: 8,
  baseMs: 300,
  capMs: 10_000,
  longestPauseMs: 120_000,
}

/** Statuses that say "not now" (RFC 9110 section 15). */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501)
}

/**
 * The wait after `failures` failures in a row, in ms: a random time up to an exponentially growing one
 * ("full jitter"), so that clients which failed together do not come back together. It comes on top of
 * what the server asked for.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(policy: RetryPolicy, failures: number, random: () => number): number {
  return random() * Math.min(policy.capMs, policy.baseMs * 2 ** (failures - 1))
}

/** `Retry-After`: seconds or a date (RFC 9110 section 10.2.3). In ms from now. */
export function retryAfterMs(header: string | undefined, wallTime: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1_000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallTime)
}

export interface Failure {
  /** Failures so far, this one included. */
  readonly failures: number
  readonly retryAfterMs: number | undefined
}

/** How long to wait before the next try, or `undefined` when it is time to give up. */
export function nextDelayMs(
  policy: RetryPolicy,
  { failures, retryAfterMs: asked = 0 }: Failure,
  random: () => number,
): number | undefined {
  if (failures >= policy.tries || asked > policy.longestPauseMs) return undefined
  return Math.round(asked + backoffMs(policy, failures, random))
}

export interface DeadlineOptions {
  readonly ms: number
  readonly signal: AbortSignal
}

/**
 * Runs `work` with a signal that is aborted when `touch` was not called for `ms`, or with the outer
 * signal. After such a silence it rejects with a `TimeoutError`.
 */
export async function withStallLimit<T>(
  { clock }: Pick<ClientPorts, 'clock'>,
  { ms, signal }: DeadlineOptions,
  work: (signal: AbortSignal, touch: () => void) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const forward = () => controller.abort(signal.reason)
  if (signal.aborted) forward()
  signal.addEventListener('abort', forward)
  const finished = new AbortController()
  let touchedAt = clock.now()
  const watch = async () => {
    for (let left = ms; left > 0; left = touchedAt + ms - clock.now()) {
      await clock.sleep(left, finished.signal)
    }
    controller.abort(new DOMException(`Nothing moved for ${ms} ms`, 'TimeoutError'))
  }
  watch().catch(() => {})
  try {
    return await work(controller.signal, () => {
      touchedAt = clock.now()
    })
  } finally {
    finished.abort()
    signal.removeEventListener('abort', forward)
  }
}
