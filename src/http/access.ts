import type { Request } from 'express'
import type { Caller } from '../coordinator/partway.js'
import { UploadError } from '../coordinator/upload-error.js'

/**
 * Who may call: one of these, or nobody. It is asked before the body is read. `undefined` is answered 401, in the
 * same words for whatever is wrong; to say more, throw `new UploadError('UNAUTHENTICATED', …)` or `'FORBIDDEN'`.
 */
export interface Access {
  /** The caller of a request; its `owner` has from 1 to 256 bytes. */
  readonly authenticate?: (req: Request) => Caller | undefined | Promise<Caller | undefined>
  /** The same, where the owner is all there is to say. */
  readonly owner?: (req: Request) => string | undefined | Promise<string | undefined>
  /** Lets everybody in, as one owner, `anonymous`. @default false */
  readonly allowAnonymous?: boolean
}

/** Rejects with an `UploadError` when the caller may not be there. */
export type WhoCalls = (req: Request) => Promise<Caller>

const MAX_OWNER_BYTES = 256

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
  const bytes = Buffer.byteLength(caller.owner)
  if (bytes >= 1 && bytes <= MAX_OWNER_BYTES) return caller
  throw new Error(`the owner must have from 1 to ${MAX_OWNER_BYTES} bytes, but has ${bytes}`)
}
