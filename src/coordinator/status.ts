import type { StatusQuery, StatusReply } from '../protocol/index.js'
import type { Context } from './context.js'
import type { Caller } from './partway.js'
import { reconcile } from './recover.js'
import { notFound, statusReply } from './replies.js'
import { isOverdue } from './session.js'

export async function status(
  context: Context,
  { owner }: Caller,
  { uploadId, reconcile: asked }: StatusQuery,
): Promise<StatusReply> {
  const now = context.clock.now()
  const session = await context.store.find({ owner, id: uploadId }, now)
  if (session === undefined) throw notFound()
  const { upload } = session
  if (asked !== 'true' || upload.state !== 'uploading' || isOverdue(upload, now)) {
    return statusReply(session, now)
  }
  return statusReply(await reconcile(context, session), context.clock.now())
}
