import type { StoredObject } from '../protocol/index.js'
import { settleNow } from './claims.js'
import { verifiedContents } from './content.js'
import type { Context } from './context.js'
import { type Expecting, unprovenHashes } from './file-hash.js'
import { mustLook } from './first-bytes.js'
import type { SettleStep } from './ports.js'
import type { Lifetime, UploadDraft } from './session.js'

export type ProvenStep = Pick<SettleStep, 'from' | 'fence' | 'epoch'> & {
  readonly object: StoredObject
  /** Its first bytes are known to fit its type. @default false */
  readonly isLookedAt?: boolean
  /** The caller takes up by itself what is left to do. @default false */
  readonly isTakenUp?: boolean
}

export interface Proven extends Lifetime {
  readonly state: 'completed' | 'verifying'
  readonly object: StoredObject
}

/**
 * Settles an upload whose object is proven to be its own, by token, size and digest: it is `completed`, or
 * `verifying` when it has to be read, for a hash that the client gave or for its type. `undefined` when the claim
 * was not the latest any more.
 */
export async function settleProven(
  context: Context,
  upload: UploadDraft & Expecting,
  { object, isLookedAt = false, isTakenUp = false, ...step }: ProvenStep,
): Promise<Proven | undefined> {
  const isSeen = isLookedAt || !mustLook(context, upload)
  const isDone = isSeen && unprovenHashes(upload, object).length === 0
  const state = isDone ? 'completed' : 'verifying'
  const lifetime = await settleNow(context, upload, {
    ...step,
    to: state,
    object,
    ...(isDone && { contents: verifiedContents(context.secret, upload, object) }),
  })
  if (lifetime === undefined) return undefined
  if (!isDone && !isTakenUp) context.announce(upload)
  return { ...lifetime, state, object }
}
