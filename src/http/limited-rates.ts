import { RateBucket, type RateBucketOptions } from './rate-bucket.js'
import { type Counted, RATE_GROUPS, type RateGroup, type Rates } from './rates.js'

/** So many calls in each window; one begins with the first call after the last has ended. */
export interface Rate {
  readonly limit: number
  /** Whole seconds, at least 1. */
  readonly windowSeconds: number
}

/** Where there is none there is no limit. */
export interface RateLimits {
  /** Of one owner. */
  readonly owner?: Readonly<Partial<Record<RateGroup, Rate>>>
  /** Of one address. */
  readonly address?: Readonly<Partial<Record<RateGroup, Rate>>>
  /** Refused credentials of one address. */
  readonly refused?: Rate
}

export interface LimitedRatesOptions {
  readonly limits: RateLimits
  /**
   * Where several servers count together: gives a client of `ioredis`. One that is away should fail rather than
   * wait. Statuses and refused credentials are then counted by this process; other calls are not let in.
   * @default each process counts for itself
   */
  readonly redis?: () => Promise<object>
  /** Of the keys in Redis. @default 'partway:' */
  readonly keyPrefix?: string
}

/** To ask how far an upload is changes nothing, and a guess of credentials must be counted somehow. */
const LOCAL_WITHOUT_REDIS: readonly RateGroup[] = ['status']

/** Counts in Redis or in memory, by `rate-limiter-flexible`. */
export function limitedRates({ limits, redis, keyPrefix }: LimitedRatesOptions): Rates {
  const buckets = new Map<string, RateBucket>()
  const add = (name: string, rate: Rate | undefined, isLocalWithoutRedis: boolean): void => {
    if (rate === undefined) return
    const options: RateBucketOptions = {
      rate,
      keyPrefix: `${keyPrefix ?? 'partway:'}rate:${name}`,
      isLocalWithoutRedis,
      ...(redis !== undefined && { redis }),
    }
    buckets.set(name, new RateBucket(options))
  }
  for (const group of RATE_GROUPS) {
    const isLocal = LOCAL_WITHOUT_REDIS.includes(group)
    add(`owner:${group}`, limits.owner?.[group], isLocal)
    add(`address:${group}`, limits.address?.[group], isLocal)
  }
  add('refused', limits.refused, true)
  const bucketOf = (counted: Counted) =>
    buckets.get(counted.of === 'refused' ? 'refused' : `${counted.of}:${counted.group}`)
  return {
    count: async (counted) => await bucketOf(counted)?.count(counted.name),
    look: async (counted) => await bucketOf(counted)?.look(counted.name),
  }
}
