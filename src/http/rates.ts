/** Calls are counted by these; `other` are the abort, the list, and methods that no route has. */
export const RATE_GROUPS = ['init', 'parts', 'status', 'complete', 'other'] as const
export type RateGroup = (typeof RATE_GROUPS)[number]

/** What has a count of its own. */
export type Counted =
  | { readonly of: 'owner' | 'address'; readonly group: RateGroup; readonly name: string }
  /** Requests whose credential was refused. */
  | { readonly of: 'refused'; readonly name: string }

/** How a count stands in its window. */
export interface RateState {
  readonly limit: number
  readonly windowSeconds: number
  readonly remaining: number
  /** Until the window ends and the count begins anew. */
  readonly resetMs: number
  /** Whether what was counted, or what would be counted next, is too much. */
  readonly isExceeded: boolean
}

/**
 * Counts calls. Where there is no limit for something, nothing is counted and the answer is `undefined`. A
 * rejection says that the count cannot be had: the call is then refused with 503, so an implementation
 * that would rather let calls through answers from elsewhere.
 */
export interface Rates {
  /** Counts one more. */
  count(counted: Counted): Promise<RateState | undefined>
  /** How it stands; counts nothing. */
  look(counted: Counted): Promise<RateState | undefined>
}
