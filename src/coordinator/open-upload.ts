import { encodeMetadataValue } from '../protocol/index.js'
import { overBudget, overLimit } from './admission.js'
import { leaveClaim } from './claims.js'
import { declaredContent } from './content.js'
import { activeLifetime, type Context, signing } from './context.js'
import { type Found, lookUp } from './look-up.js'
import type { UsageLimits } from './ports.js'
import {
  draftPart,
  objectToken,
  type Session,
  TOKEN_METADATA_KEY,
  type Upload,
  type UploadDraft,
} from './session.js'
import { attachment, storedType } from './stored-as.js'
import { adoptMultipart, type Creation, takeObject } from './take-over.js'
import { takeTwin } from './twin.js'
import { UploadError } from './upload-error.js'

/** How long one caller may take to open the multipart upload before another tries, at most. */
const CREATION_LEASE_MS = 15_000
/** How long a caller waits for another who is opening the same upload. */
const WAIT_MS = 5_000
const POLL_MS = 50

export interface OpenedUpload {
  /**
   * `known` to the store; `found` at the bucket just now, which has been asked for its parts or its
   * object; or `created`, with nothing there yet.
   */
  readonly origin: 'known' | 'found' | 'created'
  readonly session: Session
}

export interface OpenOptions {
  /** The epoch of a record that is known to have lost what it stood for. */
  readonly supersedes?: number
  /** Whether the id was made just now, so that nobody can have opened it before. @default false */
  readonly isNewId?: boolean
  /** @default none: the upload has its room already */
  readonly limits?: UsageLimits
  /** How many URLs are about to be signed. @default none */
  readonly urls?: number
}

/**
 * Opens the upload at the bucket, or joins the one that is there. However many callers race, in however
 * many processes, the one that the store lets create it opens the multipart upload; the others wait
 * for it.
 *
 * That the store has no record does not mean that there is nothing: it may have been emptied, and a
 * creator may have died between the bucket's answer and the record. So the bucket is asked first, by two
 * calls at once. Nothing that a store remembers can stand for them: what it lost, it does not know of.
 */
export async function openUpload(
  context: Context,
  draft: UploadDraft,
  options: OpenOptions = {},
): Promise<OpenedUpload> {
  const { supersedes, limits, urls = 0 } = options
  const content = declaredContent(context.secret, draft)
  const deadline = context.clock.now() + WAIT_MS
  for (;;) {
    const now = context.clock.now()
    const begun = await context.store.begin(draft, {
      ...activeLifetime(context, now),
      now,
      leaseMs: Math.min(CREATION_LEASE_MS, context.settings.leaseMs),
      ...(supersedes === undefined ? {} : { supersedes }),
      ...(content === undefined ? {} : { content }),
      ...(limits === undefined ? {} : { limits }),
      ...(urls === 0 ? {} : { signing: signing(context, urls) }),
    })
    if (begun.kind === 'over-limit') throw overLimit(begun, now)
    if (begun.kind === 'over-budget') throw overBudget(begun, urls, now)
    if (begun.kind === 'exists') return { origin: 'known', session: begun.session }
    if (begun.kind === 'created') {
      const opened = await create(context, draft, { ...begun, ...options })
      if (opened !== undefined) return opened
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
  const renewed = { ...draftPart(lost), createdAt: context.clock.now() }
  return openUpload(context, renewed, { supersedes: lost.epoch })
}

/** `undefined` when another caller has taken the creation over. */
async function create(
  context: Context,
  draft: UploadDraft,
  creation: Creation & OpenOptions & { readonly twin?: Upload },
): Promise<OpenedUpload | undefined> {
  const { twin } = creation
  const taken = twin && (await takeTwin(context, draft, { ...creation, twin }))
  if (taken !== undefined) return { origin: 'found', session: taken }
  if (creation.isNewId !== true) {
    // Whoever supersedes a record has just seen that the object is not the one that it should be.
    const isObjectKnown = creation.supersedes !== undefined
    const { judged } = creation
    const found = await lookUp(context, draft, { judged, isObjectKnown }).catch(async (fault) => {
      // Nothing has been opened yet, so the next caller need not wait for the lease to end.
      const { fence } = creation
      await leaveClaim(context, draft, { state: 'creating', fence, leaseMs: 0 })
      throw fault
    })
    if (found.kind !== 'nothing') {
      const session = await takeOver(context, draft, { creation, found })
      return session && { origin: 'found', session }
    }
  }
  const session = await openMultipart(context, draft, creation)
  return session && { origin: 'created', session }
}

function takeOver(
  context: Context,
  draft: UploadDraft,
  { creation, found }: { creation: Creation; found: Exclude<Found, { kind: 'nothing' }> },
): Promise<Session | undefined> {
  return found.kind === 'object'
    ? takeObject(context, draft, { ...creation, ...found })
    : adoptMultipart(context, draft, { ...creation, ...found })
}

async function openMultipart(
  context: Context,
  draft: UploadDraft,
  { epoch, fence }: Creation,
): Promise<Session | undefined> {
  const contentType = storedType(draft.contentType, context.limits.allowedTypes)
  const { multipartId } = await context.bucket.createMultipartUpload({
    key: draft.key,
    checksum: draft.checksum,
    ...(contentType === undefined ? {} : { contentType }),
    contentDisposition: attachment(draft.filename),
    metadata: objectMetadata(draft, epoch),
  })
  const now = context.clock.now()
  if (await context.store.open(draft, { fence, multipartId, now })) {
    const lifetime = activeLifetime(context, now)
    const upload: Upload = { ...draft, ...lifetime, state: 'uploading', epoch, multipartId }
    return { upload, parts: [], revision: 0 }
  }
  await removeUnused(context, draft, multipartId)
  return undefined
}

/**
 * Removes what a late creator opened, unless whoever took over has adopted it, or may be about to: a ghost
 * costs only room, but the parts of an adopted one are a client's.
 */
async function removeUnused(
  { store, bucket, clock }: Context,
  draft: UploadDraft,
  multipartId: string,
): Promise<void> {
  const upload = (await store.find(draft, clock.now()))?.upload
  if (upload === undefined || upload.state === 'creating') return
  if (upload.multipartId === multipartId) return
  await bucket.abortMultipartUpload({ key: draft.key, multipartId })
}

function objectMetadata(draft: UploadDraft, epoch: number): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const [key, value] of Object.entries(draft.metadata ?? {})) {
    metadata[key] = encodeMetadataValue(value)
  }
  metadata[TOKEN_METADATA_KEY] = objectToken({ id: draft.id, epoch })
  return metadata
}
