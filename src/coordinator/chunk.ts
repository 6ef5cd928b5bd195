import { type ChunkReply, partSize } from '../protocol/index.js'
import { admitStill } from './admission.js'
import { CheckedPart } from './checked-part.js'
import { activeLifetime, type Context, limitsOf } from './context.js'
import type { Caller } from './partway.js'
import type { PartRelay, PartsChange, RecordOutcome, UploadRef } from './ports.js'
import { reconcile } from './recover.js'
import { notFound, wrongState } from './replies.js'
import type { Upload } from './session.js'
import { fieldRefusal, UploadError } from './upload-error.js'

export interface ChunkRequest {
  readonly uploadId: string
  readonly index: number
  /** In hex: SHA-256, or MD5 by its length. */
  readonly contentHash: string
  /**
   * Gives the bytes of the part, of which there should be `size`. Called once, and not before the part is known
   * to be wanted. They are read as fast as the bucket takes them. When it throws, nothing is stored.
   */
  readonly receive: (size: number) => AsyncIterable<Uint8Array>
}

export interface RelayContext extends Context {
  readonly relay: PartRelay
}

/** How soon a client may send a part again whose upload had to be opened anew. */
const RETRY_AFTER_MS = 1_000

/**
 * Takes a part to the bucket and records it, in the order in which a client does both by itself: the store
 * first hears which bytes the part is to have, but only when all of them are here and right, and the last of
 * them goes to the bucket after that. So whatever goes wrong before leaves record and bucket as they were.
 */
export async function chunk(
  context: RelayContext,
  caller: Caller,
  request: ChunkRequest,
): Promise<ChunkReply> {
  const { uploadId, index, receive } = request
  const ref: UploadRef = { owner: caller.owner, id: uploadId }
  const { upload } = await recorded(context, ref, {})
  admitStill(limitsOf(context, caller), upload)
  const { totalChunks } = upload
  if (index > totalChunks) {
    const rule = `must be from 1 to ${totalChunks}`
    throw fieldRefusal('INDEX_OUT_OF_RANGE', 'index', rule, { totalChunks })
  }
  const size = partSize(upload, index)
  const { checksum: mode } = upload
  const contentHash = request.contentHash.toLowerCase()
  const part = await CheckedPart.expecting({ size, checksum: mode, contentHash })
  const bytes = part.bytes(receive(size), () => expected(context, ref, { index, part }))
  const etag = await put(context, upload, { index, size, contentHash, part, bytes })
  const { checksum } = part
  const arrived = { index, etag, ...(checksum !== undefined && { checksum }) }
  const { arrivedCount } = await recorded(context, ref, { arrived: [arrived] })
  return { uploadId, ...arrived, size, uploadedCount: arrivedCount, totalChunks }
}

/** Says which bytes the part is to have, and finds out whether it is still wanted. */
async function expected(
  context: RelayContext,
  ref: UploadRef,
  { index, part: { checksum } }: { readonly index: number; readonly part: CheckedPart },
): Promise<void> {
  await recorded(context, ref, checksum === undefined ? {} : { signed: [{ index, checksum }] })
}

interface PartOnItsWay {
  readonly index: number
  readonly size: number
  readonly contentHash: string
  readonly part: CheckedPart
  readonly bytes: AsyncIterable<Uint8Array>
}

/** The part's ETag. */
async function put(
  context: RelayContext,
  upload: Upload,
  { part, ...rest }: PartOnItsWay,
): Promise<string> {
  const { key, multipartId = '', checksum } = upload
  const value = part.checksum ?? (() => part.checksum ?? '')
  const request = { key, multipartId, checksum, ...rest, ...(checksum !== 'none' && { value }) }
  const outcome = await context.relay.putPart(request).catch((fault: unknown) => {
    // That the bucket was not sent the whole is no fault of the bucket's.
    throw part.failure === undefined ? fault : part.failure.error
  })
  if (outcome.kind === 'stored') return outcome.etag
  const session = await context.store.find(upload, context.clock.now())
  if (session !== undefined) await reconcile(context, session)
  throw new UploadError(
    'UPLOAD_BUSY',
    'The bucket has dropped this upload, and it was opened again: ask for its status, and send what is missing.',
    { retryAfterMs: RETRY_AFTER_MS },
  )
}

/** The store's step behind everything that is known of a part. */
async function recorded(
  context: RelayContext,
  ref: UploadRef,
  { signed = [], arrived = [] }: Partial<Pick<PartsChange, 'signed' | 'arrived'>>,
): Promise<RecordOutcome & { kind: 'recorded' }> {
  const now = context.clock.now()
  const step = { ...activeLifetime(context, now), now, signed, arrived }
  const outcome = await context.store.recordParts(ref, step)
  switch (outcome.kind) {
    case 'recorded':
      return outcome
    case 'not-found':
      throw notFound()
    case 'wrong-state':
      throw wrongState(outcome.upload, now)
    case 'checksum-differs':
      throw fieldRefusal(
        'CHECKSUM_MISMATCH',
        'content_hash',
        'is no longer that of the part: other bytes were announced for it meanwhile',
      )
    default:
      throw new Error(`the store said ${outcome.kind} of a part that fits the upload`)
  }
}
