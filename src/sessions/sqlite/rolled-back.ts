import type { BeginOutcome } from '../../coordinator/ports.js'

/** Ends a transaction of which nothing is to be left. */
export class RolledBack extends Error {
  readonly outcome: BeginOutcome

  constructor(outcome: BeginOutcome) {
    super(outcome.kind)
    this.outcome = outcome
  }
}
