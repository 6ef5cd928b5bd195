import type { Cluster, Redis } from 'ioredis'
import type { DueQuery } from '../../coordinator/ports.js'

/** That something is to be looked at, and when: a member of a sorted set, with its score. */
export interface Hint {
  readonly member: string
  readonly at: number
}

/** Hints that are looked at in one go. */
const BATCH = 100
/** After so many, it has to do with what was found. */
const MAX_LOOKS = 2_000

export interface HintQuery<T> extends DueQuery {
  /** Gives what there is to do, or what became of the hint. */
  readonly look: (hint: Hint) => Promise<T | 'kept' | 'moved'>
}

/** Looks at the hints of a key that are due, the earliest first, until enough of them have led to something. */
export async function lookThrough<T extends { readonly since: number }>(
  redis: Redis | Cluster,
  key: string,
  { now, limit, look }: HintQuery<T>,
): Promise<readonly T[]> {
  const found: T[] = []
  // How many hints, of those looked at, are still where they were.
  let kept = 0
  for (let looks = 0; looks < MAX_LOOKS && found.length < limit; looks += BATCH) {
    const range = [key, '-inf', now, 'WITHSCORES', 'LIMIT', kept, BATCH] as const
    const hints = pairsOf(await redis.zrangebyscore(...range))
    const outcomes = await Promise.all(hints.map(look))
    kept += outcomes.filter((outcome) => outcome !== 'moved').length
    for (const outcome of outcomes) {
      if (outcome !== 'kept' && outcome !== 'moved') found.push(outcome)
    }
    if (hints.length < BATCH) break
  }
  return found.sort((a, b) => a.since - b.since).slice(0, limit)
}

/** What Redis gives as member, score, member, score, … */
export function pairsOf(reply: readonly string[]): Hint[] {
  const hints: Hint[] = []
  for (let i = 0; i + 1 < reply.length; i += 2) {
    hints.push({ member: reply[i] ?? '', at: Number(reply[i + 1]) })
  }
  return hints
}
