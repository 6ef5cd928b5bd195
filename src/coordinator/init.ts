import type { InitRequest } from '../protocol/index.js'
import { asBegunBefore } from './begun-before.js'
import { type Context, limitsOf } from './context.js'
import { draftOf, isIdentified } from './draft.js'
import { type OpenedUpload, type OpenOptions, openUpload } from './open-upload.js'
import type { Caller, InitOutcome, SignedBatches } from './partway.js'
import { proveObject } from './proof.js'
import { reconcile } from './recover.js'
import { statusReply } from './replies.js'
import { isArrived, type Session, type Upload, type UploadDraft } from './session.js'
import { signedBatches } from './sign-parts.js'
import { stands } from './twin.js'

export async function init(
  context: Context,
  caller: Caller,
  request: InitRequest,
): Promise<InitOutcome> {
  const draft = await asBegunBefore(context, draftOf(context, caller, request), request)
  const { sign } = request
  const urls = sign === 'all' ? draft.totalChunks : sign
  const { origin, session } = await openStanding(context, draft, {
    isNewId: !isIdentified(request),
    limits: limitsOf(context, caller),
    ...(urls === undefined ? {} : { urls }),
  })
  const created = origin === 'created'
  // A client that wants every URL at once may never report a part, so the bucket is asked what it has.
  const isDoubtful = origin === 'known' && sign !== undefined
  const current = isDoubtful ? await reconcile(context, session) : session
  const reply = statusReply(current, context.clock.now())
  if (urls === undefined || reply.state !== 'uploading') return { created, reply }
  return { created, reply, parts: await signMissing(context, current, urls) }
}

/** Opens or joins the upload; one whose finished object is no longer there is opened anew. */
async function openStanding(
  context: Context,
  draft: UploadDraft,
  options: OpenOptions,
): Promise<OpenedUpload> {
  const opened = await openUpload(context, draft, options)
  const { upload } = opened.session
  if (upload.state !== 'completed' || opened.origin === 'found') return opened
  if (await isThere(context, upload)) return opened
  return openUpload(context, draft, { ...options, isNewId: false, supersedes: upload.epoch })
}

async function isThere(context: Context, upload: Upload): Promise<boolean> {
  const { object } = upload
  const isBorrowed = object !== undefined && object.key !== upload.key
  if (isBorrowed) return stands(context, object)
  return (await proveObject(context, upload, object?.digest)).kind === 'proven'
}

function signMissing(
  context: Context,
  { upload, parts }: Session,
  limit: number,
): Promise<SignedBatches> {
  const arrived = new Set(parts.filter(isArrived).map((part) => part.index))
  const missing: { index: number }[] = []
  for (let index = 1; index <= upload.totalChunks && missing.length < limit; index++) {
    if (!arrived.has(index)) missing.push({ index })
  }
  return signedBatches(context, upload, missing)
}
