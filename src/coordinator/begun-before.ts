import type { InitRequest } from '../protocol/index.js'
import type { Context } from './context.js'
import { contentIdentity } from './draft.js'
import { objectKey, stableUploadId } from './identity.js'
import type { SessionState, UploadDraft } from './session.js'

/** There is nothing of these to go on with, so the next upload of the file has an id of the first secret. */
const ENDED: readonly SessionState[] = ['failed', 'aborted', 'expired']

/**
 * The draft under the id that the upload was begun with, when that was made with a secret of before; else the
 * draft as it is. The store alone is asked, and only where there is such a secret.
 */
export async function asBegunBefore(
  context: Context,
  draft: UploadDraft,
  request: InitRequest,
): Promise<UploadDraft> {
  const content = contentIdentity(request)
  if (content === undefined || context.formerSecrets.length === 0) return draft
  const ids = context.formerSecrets.map((secret) => stableUploadId(secret, { ...draft, content }))
  for (const id of [draft.id, ...ids]) {
    const session = await context.store.find({ owner: draft.owner, id }, context.clock.now())
    if (session === undefined || ENDED.includes(session.upload.state)) continue
    return { ...draft, id, key: objectKey(context.settings.keyPrefix, id, draft.filename) }
  }
  return draft
}
