import {
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import { type Limits, parseLimits } from '../../coordinator/limits.js'
import { ownerProblem } from '../../coordinator/owner.js'
import type { Caller } from '../../coordinator/partway.js'
import type { Clock } from '../../coordinator/ports.js'
import { toCamel } from '../../protocol/index.js'

export interface JwtRules {
  /** Signatures that are accepted, such as `RS256`. What the header of a token says decides nothing. */
  readonly algorithms: readonly string[]
  readonly issuer: string
  /** One of these must be among the token's. */
  readonly audiences: readonly string[]
  /** What the header's `typ` must be, such as `at+jwt`. @default it is not looked at */
  readonly type?: string
  /** The claim whose text is the owner. */
  readonly ownerClaim: string
  /** The claim that has the caller's limits; a token may be without it. @default none is looked at */
  readonly limitsClaim?: string
}

export interface JwtVerifierOptions extends JwtRules {
  /** Shared secrets, of which any may have signed, or where public keys come from. */
  readonly keys: readonly Uint8Array[] | JWTVerifyGetKey
  readonly clock: Pick<Clock, 'now'>
}

export type JwtOutcome =
  | { readonly kind: 'known'; readonly caller: Caller }
  /** `reason` is a code of `jose`, with nothing of the token in it. */
  | { readonly kind: 'refused'; readonly reason: string }

/** How far the clocks of the issuer and of this machine may differ. */
const CLOCK_TOLERANCE_SECONDS = 30

/** Checks JSON Web Tokens (RFC 7519, RFC 8725). Every token must have `iss`, `aud`, `exp` and `sub`. */
export class JwtVerifier {
  readonly #options: JwtVerifierOptions

  constructor(options: JwtVerifierOptions) {
    this.#options = options
  }

  /** Rejects only when the keys cannot be had, or are of no use. */
  async verify(token: string): Promise<JwtOutcome> {
    try {
      return this.#callerOf(await this.#payloadOf(token))
    } catch (error) {
      if (error instanceof errors.JOSEError) return { kind: 'refused', reason: error.code }
      throw error
    }
  }

  async #payloadOf(token: string): Promise<JWTPayload> {
    const { keys } = this.#options
    if (typeof keys === 'function') return (await jwtVerify(token, keys, this.#rules())).payload
    return await this.#payloadBy(token, keys)
  }

  async #payloadBy(token: string, [secret, ...others]: readonly Uint8Array[]): Promise<JWTPayload> {
    if (secret === undefined) throw new errors.JWSSignatureVerificationFailed()
    try {
      return (await jwtVerify(token, secret, this.#rules())).payload
    } catch (error) {
      const isOtherSecret = error instanceof errors.JWSSignatureVerificationFailed
      if (isOtherSecret && others.length > 0) return await this.#payloadBy(token, others)
      throw error
    }
  }

  #rules(): JWTVerifyOptions {
    const { algorithms, issuer, audiences, type, clock } = this.#options
    return {
      algorithms: [...algorithms],
      issuer,
      audience: [...audiences],
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(clock.now()),
      ...(type !== undefined && { typ: type }),
    }
  }

  #callerOf(payload: JWTPayload): JwtOutcome {
    const { ownerClaim } = this.#options
    const owner = Object.hasOwn(payload, ownerClaim) ? payload[ownerClaim] : undefined
    if (typeof payload.sub !== 'string') return { kind: 'refused', reason: 'NO_SUBJECT' }
    if (typeof owner !== 'string' || ownerProblem(owner) !== undefined) {
      return { kind: 'refused', reason: 'NO_OWNER' }
    }
    const limits = this.#limitsOf(payload)
    if (limits === 'malformed') return { kind: 'refused', reason: 'BAD_LIMITS' }
    return { kind: 'known', caller: { owner, ...(limits !== undefined && { limits }) } }
  }

  /** Whoever misspells a limit means to set one, so what is not understood is never taken for none. */
  #limitsOf(payload: JWTPayload): Limits | 'malformed' | undefined {
    const { limitsClaim } = this.#options
    if (limitsClaim === undefined || !Object.hasOwn(payload, limitsClaim)) return undefined
    return parseLimits(toCamel(payload[limitsClaim])) ?? 'malformed'
  }
}
