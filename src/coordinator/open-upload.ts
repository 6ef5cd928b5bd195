import { encodeMetadataValue } from '../protocol/index.js'
import { activeLifetime, type Context } from './context.js'
import {
  objectToken,
  type Session,
  TOKEN_METADATA_KEY,
  type Upload,
  type UploadDraft,
} from './session.js'
import { UploadError } from './upload-error.js'

/** How long one caller may take to open the multipart upload before another tries, at most. */
const CREATION_LEASE_MS = 15_000
/** How long a caller waits for another who is opening the same upload. */
const WAIT_MS = 5_000
const POLL_MS = 50

export interface OpenedUpload {
  readonly created: boolean
  readonly session: Session
}

/**
 * Opens the upload at the bucket, or joins the one that is there. However many callers race, in however
 * many processes, the one that the store lets create it opens the multipart upload; the others wait
 * for it. `supersedes` is the epoch of a record that is known to have lost what it stood for.
 */
export async function openUpload(
  context: Context,
  draft: UploadDraft,
  supersedes?: number,
): Promise<OpenedUpload> {
  const deadline = context.clock.now() + WAIT_MS
  for (;;) {
    const now = context.clock.now()
    const begun = await context.store.begin(draft, {
      ...activeLifetime(context, now),
      now,
      leaseMs: Math.min(CREATION_LEASE_MS, context.settings.leaseMs),
      ...(supersedes === undefined ? {} : { supersedes }),
    })
    if (begun.kind === 'exists') return { created: false, session: begun.session }
    if (begun.kind === 'created') {
      const session = await openMultipart(context, draft, begun)
      if (session !== undefined) return { created: true, session }
    } else if (now >= deadline) {
      throw new UploadError('UPLOAD_BUSY', 'Another request is opening this upload.', {
        retryAfterMs: begun.retryAfterMs,
      })
    }
    await context.clock.sleep(POLL_MS)
  }
}

/** The same upload under its next epoch, after its multipart upload or its object was lost. */
export function reopenUpload(context: Context, lost: Upload): Promise<OpenedUpload> {
  const {
    state: _,
    epoch,
    multipartId: __,
    object: ___,
    expiresAt: ____,
    keepUntil: _____,
    ...draft
  } = lost
  return openUpload(context, { ...draft, createdAt: context.clock.now() }, epoch)
}

async function openMultipart(
  context: Context,
  draft: UploadDraft,
  { epoch, fence }: { readonly epoch: number; readonly fence: number },
): Promise<Session | undefined> {
  const { multipartId } = await context.bucket.createMultipartUpload({
    key: draft.key,
    checksum: draft.checksum,
    ...(draft.contentType === undefined ? {} : { contentType: draft.contentType }),
    metadata: objectMetadata(draft, epoch),
  })
  const now = context.clock.now()
  if (await context.store.open(draft, { fence, multipartId, now })) {
    const lifetime = activeLifetime(context, now)
    const upload: Upload = { ...draft, ...lifetime, state: 'uploading', epoch, multipartId }
    return { upload, parts: [], revision: 0 }
  }
  // The store said that another caller took over, so no record names this one and no client saw it.
  await context.bucket.abortMultipartUpload({ key: draft.key, multipartId })
  return undefined
}

function objectMetadata(draft: UploadDraft, epoch: number): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const [key, value] of Object.entries(draft.metadata ?? {})) {
    metadata[key] = encodeMetadataValue(value)
  }
  metadata[TOKEN_METADATA_KEY] = objectToken({ id: draft.id, epoch })
  return metadata
}
