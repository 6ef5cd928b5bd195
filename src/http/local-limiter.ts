import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'

/** Some 30 MB. Whoever has a /32 network of IPv6 could come under four thousand million names. */
const MAX_NAMES = 50_000
/** What every further name is counted as; percent-encoded names are never empty. */
const ALL_OTHERS = ''

export interface LocalLimiterOptions {
  readonly points: number
  /** In seconds. */
  readonly duration: number
  /** Names that have a count of their own. @default 50000 */
  readonly maxNames?: number
}

/** Counts in the memory of this process, of which no crowd of names can take more than its share. */
export class LocalLimiter {
  readonly #limiter: RateLimiterMemory
  readonly #maxNames: number
  #names = 0

  constructor({ maxNames = MAX_NAMES, ...limits }: LocalLimiterOptions) {
    this.#limiter = new RateLimiterMemory(limits)
    this.#maxNames = maxNames
  }

  /** Rejects with the state when it is exceeded. */
  async consume(key: string): Promise<RateLimiterRes> {
    const state = await this.#limiter.consume(await this.#nameOf(key))
    if (state.isFirstInDuration) this.#remember(state.msBeforeNext)
    return state
  }

  async get(key: string): Promise<RateLimiterRes | null> {
    return await this.#limiter.get(await this.#nameOf(key))
  }

  async #nameOf(key: string): Promise<string> {
    if (this.#names < this.#maxNames) return key
    return (await this.#limiter.get(key)) === null ? ALL_OTHERS : key
  }

  #remember(forMs: number): void {
    this.#names += 1
    setTimeout(() => {
      this.#names -= 1
    }, forMs).unref()
  }
}
