import type { Request } from 'express'
import { parseLimits } from '../coordinator/limits.js'
import { ownerProblem } from '../coordinator/owner.js'
import type { Caller } from '../coordinator/partway.js'
import { UploadError } from '../coordinator/upload-error.js'

/**
 * Who may call: one of these, or nobody. It is asked before the body is read. `undefined` is answered 401, in the
 * same words for whatever is wrong; to say more, throw `new UploadError('UNAUTHENTICATED', …)` or `'FORBIDDEN'`.
 */
export interface Access {
  /** The caller of a request; its `owner` is well-formed text of 1 to 256 bytes without control characters. */
  readonly authenticate?: (req: Request) => Caller | undefined | Promise<Caller | undefined>
  /** The same, where the owner is all there is to say. */
  readonly owner?: (req: Request) => string | undefined | Promise<string | undefined>
  /** Lets everybody in, as one owner, `anonymous`. @default false */
  readonly allowAnonymous?: boolean
}

/** Rejects with an `UploadError` when the caller may not be there. */
export type WhoCalls = (req: Request) => Promise<Caller>

/** Throws a `TypeError` when there is more than one way to tell who is calling. */
export function callersOf({ authenticate, owner, allowAnonymous = false }: Access): WhoCalls {
  const ways = [authenticate !== undefined, owner !== undefined, allowAnonymous]
  if (ways.filter(Boolean).length > 1) {
    throw new TypeError('give one of authenticate, owner and allowAnonymous, not more')
  }
  if (allowAnonymous) return async () => ({ owner: 'anonymous' })
  if (authenticate !== undefined) return async (req) => known(await authenticate(req))
  return async (req) => {
    const name = await owner?.(req)
    return known(name === undefined ? undefined : { owner: name })
  }
}

function known(caller: Caller | undefined): Caller {
  if (caller === undefined) {
    throw new UploadError('UNAUTHENTICATED', 'Credentials are missing or not valid')
  }
  const problem = ownerProblem(caller.owner)
  if (problem !== undefined) throw new Error(`the owner ${problem}`)
  // A limit that is misspelt would be none.
  if (caller.limits !== undefined && parseLimits(caller.limits) === undefined) {
    throw new Error('the limits of the caller are not valid')
  }
  return caller
}
