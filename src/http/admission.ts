import type { Request, Response } from 'express'
import type { Caller } from '../coordinator/partway.js'
import { UploadError } from '../coordinator/upload-error.js'
import { type Access, callersOf } from './access.js'
import { clientNetwork } from './client-address.js'
import type { Counted, RateGroup, RateState, Rates } from './rates.js'

/** Lets a request in as somebody's, or rejects with an `UploadError`. */
export type Admit = (req: Request, res: Response, group: RateGroup) => Promise<Caller>

export interface AdmissionOptions extends Access {
  readonly rates?: Rates
}

/** When a caller may ask again after calls could not be counted. */
const RETRY_AFTER_MS = 2_000

const UNLIMITED: Rates = { count: async () => undefined, look: async () => undefined }

/**
 * Who may come in, and how often. The address is counted before the credential is looked at, the owner
 * after it; where everybody is one owner only addresses are, or one caller could shut out all others.
 */
export function admission({ rates = UNLIMITED, ...access }: AdmissionOptions): Admit {
  const callerOf = callersOf(access)
  const count = (counted: Counted) => counting(rates.count(counted))
  return async (req, res, group) => {
    const name = clientNetwork(req)
    const isOpen = access.allowAnonymous === true
    const [address, refused] = await Promise.all([
      count({ of: 'address', group, name }),
      isOpen ? undefined : counting(rates.look({ of: 'refused', name })),
    ])
    // Its numbers are told only when it is used up: they are about other requests than this one.
    if (refused?.isExceeded) tell(res, refused)
    tell(res, address)
    const caller = await callerOf(req).catch(async (error: unknown) => {
      if (isBadCredential(error)) await count({ of: 'refused', name })
      throw error
    })
    if (isOpen) return caller
    const owner = await count({ of: 'owner', group, name: caller.owner })
    tell(res, tighter(owner, address))
    return caller
  }
}

async function counting<T>(count: Promise<T>): Promise<T> {
  try {
    return await count
  } catch (cause) {
    const words = 'Calls cannot be counted now, so none is let in; try again.'
    throw new UploadError('STORE_UNAVAILABLE', words, { cause, retryAfterMs: RETRY_AFTER_MS })
  }
}

function tighter(one: RateState | undefined, other: RateState | undefined): RateState | undefined {
  if (one === undefined || one.isExceeded || other === undefined) return one ?? other
  return one.remaining <= other.remaining ? one : other
}

/**
 * The headers that most middleware for Node sends, and clients know:
 * https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06
 */
function tell(res: Response, state: RateState | undefined): void {
  if (state === undefined) return
  const { limit, windowSeconds, remaining, resetMs } = state
  res.set({
    'RateLimit-Policy': `${limit};w=${windowSeconds}`,
    'RateLimit-Limit': String(limit),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': String(Math.ceil(resetMs / 1_000)),
  })
  if (!state.isExceeded) return
  const words = `There may be ${limit} such requests in ${windowSeconds} s, and there were more; try again later.`
  throw new UploadError('TOO_MANY_REQUESTS', words, { retryAfterMs: resetMs })
}

function isBadCredential(error: unknown): boolean {
  return error instanceof UploadError && error.code === 'UNAUTHENTICATED'
}
