import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Rate } from './limited-rates.js'
import { LocalLimiter } from './local-limiter.js'
import type { RateState } from './rates.js'

export interface RateBucketOptions {
  readonly rate: Rate
  readonly keyPrefix: string
  readonly redis?: () => Promise<object>
  /** Whether this process counts for itself while Redis is away, or rejects. */
  readonly isLocalWithoutRedis: boolean
}

type Limiter = Pick<LocalLimiter, 'consume' | 'get'>

/** One rate, counted for each name by itself. */
export class RateBucket {
  readonly #options: RateBucketOptions
  readonly #local: LocalLimiter
  #client: object | undefined
  #shared: RateLimiterRedis | undefined

  constructor(options: RateBucketOptions) {
    this.#options = options
    this.#local = new LocalLimiter(this.#limits())
  }

  /** Counts one more. */
  async count(name: string): Promise<RateState> {
    return await this.#ask(async (limiter) => {
      try {
        return this.#state(await limiter.consume(keyOf(name)))
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal
        return { ...this.#state(refusal), isExceeded: true }
      }
    })
  }

  async look(name: string): Promise<RateState | undefined> {
    return await this.#ask(async (limiter) => {
      const found = await limiter.get(keyOf(name))
      if (found === null) return undefined
      return { ...this.#state(found), isExceeded: found.remainingPoints === 0 }
    })
  }

  async #ask<T>(question: (limiter: Limiter) => Promise<T>): Promise<T> {
    const { redis, isLocalWithoutRedis } = this.#options
    if (redis === undefined) return await question(this.#local)
    try {
      return await question(this.#in(await redis()))
    } catch (error) {
      if (!isLocalWithoutRedis) throw error
      return await question(this.#local)
    }
  }

  #in(client: object): RateLimiterRedis {
    if (this.#shared === undefined || client !== this.#client) {
      this.#client = client
      this.#shared = new RateLimiterRedis({
        ...this.#limits(),
        storeClient: client,
        keyPrefix: this.#options.keyPrefix,
        // What is used up is refused from memory, so that a flood does not go on to Redis.
        inMemoryBlockOnConsumed: this.#options.rate.limit,
      })
    }
    return this.#shared
  }

  #limits() {
    const { limit, windowSeconds } = this.#options.rate
    return { points: limit, duration: windowSeconds }
  }

  #state({ remainingPoints, msBeforeNext }: RateLimiterRes): RateState {
    const { limit, windowSeconds } = this.#options.rate
    return {
      limit,
      windowSeconds,
      remaining: remainingPoints,
      // Below 0 is how Redis says that the key is gone since.
      resetMs: Math.max(0, msBeforeNext),
      isExceeded: false,
    }
  }
}

/** One to one, and without a brace, which Redis Cluster would take for a hash tag. */
function keyOf(name: string): string {
  return encodeURIComponent(name)
}
