/**
 * The ports of the coordinator. What every adapter promises is written here and checked by one
 * contract suite per port (`test/contract/`).
 *
 * Common to all: expected outcomes are values. A rejection means that the service behind the adapter
 * failed or did not answer, and then the effect of the call is *not known*; it is never read as yes or
 * as no. Time comes from the caller (`now`, milliseconds since the epoch), so an adapter reads no clock.
 */

export type * from './bucket-port.js'
export type * from './store-port.js'
export type { Exceeded, OverBudget, Signing, Usage, UsageLimits } from './usage.js'

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`. */
  sleep(ms: number): Promise<void>
}

export interface RandomIds {
  /** 256 random bits in base64url. */
  uploadId(): string
}
