import { expire } from './abort.js'
import { resumeCompletion } from './complete.js'
import type { Context } from './context.js'
import type { UploadRef } from './ports.js'
import { isOverdue } from './session.js'
import { UploadError } from './upload-error.js'
import { verify } from './verify.js'

export function due({ store, clock }: Context, limit: number): Promise<readonly UploadRef[]> {
  return store.due({ now: clock.now(), limit })
}

/**
 * Takes up what somebody began and did not finish: a verification that nobody waits for, and completions and
 * aborts whose server died or got no answer. Whoever holds the upload's claim meanwhile is not
 * disturbed. Rejects when it could not be finished now.
 */
export async function resume(context: Context, ref: UploadRef, signal: AbortSignal): Promise<void> {
  const now = context.clock.now()
  const upload = (await context.store.find(ref, now))?.upload
  if (upload === undefined) return
  switch (upload.state) {
    case 'verifying':
      await verify(context, ref, signal)
      return
    case 'completing':
      return settled(resumeCompletion(context, ref))
    case 'aborting':
      return settled(expire(context, ref))
    default:
      if (isOverdue(upload, now)) await settled(expire(context, ref))
  }
}

/** A refusal is an end as well: the upload waits for its client again, or has one of its final states. */
async function settled(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    const isRefusal = error instanceof UploadError && error.status < 500
    if (!isRefusal) throw error
  }
}
