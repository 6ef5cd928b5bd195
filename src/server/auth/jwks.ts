import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type RemoteJWKSet,
} from 'jose'
import type { Clock } from '../../coordinator/ports.js'
import { KeysUnavailable } from './keys-unavailable.js'

export interface JwksOptions {
  readonly url: string
  readonly clock: Pick<Clock, 'now'>
  /** Between two requests, however they ended and however many unknown keys are asked for. @default 30 s */
  readonly coolDownMs?: number
  /** After which the keys are asked for again, while the old ones still serve. @default 10 min */
  readonly freshMs?: number
  /** For which keys serve when the address does not answer. @default 1 h */
  readonly keepMs?: number
  /** @default 5 s */
  readonly timeoutMs?: number
}

type Key = Awaited<ReturnType<RemoteJWKSet>>

/** What is the token's fault, and not that of the keys. */
const REFUSALS: readonly string[] = [
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
  errors.JOSENotSupported.code,
]

/**
 * The public keys of an issuer. `jose` keeps them and looks for a key in them alone, whatever addresses or keys
 * the header of a token names; what is added here is that an address that is away is not asked all the time.
 */
export class Jwks {
  readonly #options: JwksOptions
  readonly #remote: RemoteJWKSet
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(options: JwksOptions) {
    this.#options = options
    const { url, timeoutMs = 5_000, keepMs = 3_600_000 } = options
    this.#remote = createRemoteJWKSet(new URL(url), {
      timeoutDuration: timeoutMs,
      // Ours holds after failures as well.
      cooldownDuration: 0,
      cacheMaxAge: keepMs,
      [customFetch]: (address, request) => this.#fetch(address, request),
    })
  }

  /** Rejects with a `JOSEError` when there is no such key, and with `KeysUnavailable` when that is not known. */
  async keyOf(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<Key> {
    this.#refresh()
    try {
      return await this.#remote(header, token)
    } catch (cause) {
      if (cause instanceof errors.JOSEError && REFUSALS.includes(cause.code)) throw cause
      throw unavailable(cause)
    }
  }

  /** Asks for the keys now. Rejects with `KeysUnavailable`. */
  async load(): Promise<void> {
    await this.#remote.reload().catch((cause: unknown) => {
      throw unavailable(cause)
    })
  }

  #refresh(): void {
    const { clock, freshMs = 600_000 } = this.#options
    if (!this.#remote.fresh || clock.now() < this.#askedAt + freshMs) return
    // Nobody waits for it, and while it fails the keys that are there serve until they are too old.
    this.#remote.reload().catch(() => {})
  }

  async #fetch(address: string, request: RequestInit): Promise<Response> {
    const { clock, coolDownMs = 30_000 } = this.#options
    const now = clock.now()
    if (now < this.#askedAt + coolDownMs) {
      if (this.#remote.fresh) throw new errors.JWKSNoMatchingKey()
      throw new KeysUnavailable('the keys were asked for just now, and could not be had')
    }
    this.#askedAt = now
    return await fetch(address, request)
  }
}

function unavailable(cause: unknown): KeysUnavailable {
  return cause instanceof KeysUnavailable
    ? cause
    : new KeysUnavailable('the keys of tokens cannot be had', { cause })
}
