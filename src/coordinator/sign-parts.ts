import {
  CHECKSUM_BYTES,
  isPartChecksum,
  type PartsRequest,
  type PartToSign,
  partSize,
  type ReportedPart,
  type SignedPart,
} from '../protocol/index.js'
import { admitStill, overBudget } from './admission.js'
import { activeLifetime, type Context, limitsOf, signing } from './context.js'
import type { Caller, PartsOutcome, SignedBatches } from './partway.js'
import type { RecordOutcome } from './ports.js'
import { notFound, wrongState } from './replies.js'
import type { Upload } from './session.js'
import { fieldRefusal, type UploadError } from './upload-error.js'

/** URLs signed at a time. Few, because every client that is being served has as many in memory. */
const BATCH = 100

/** Records the parts that arrived and signs the URLs of others: one step of the store for both. */
export async function parts(
  context: Context,
  caller: Caller,
  request: PartsRequest,
): Promise<PartsOutcome> {
  const { uploadId, uploaded = [], sign = [] } = request
  const { upload, arrivedCount } = await record(context, caller, { uploadId, uploaded, sign })
  if (sign.length > 0) admitStill(limitsOf(context, caller), upload)
  for (const [position, { index, checksum }] of sign.entries()) {
    if (index > upload.totalChunks) throw outOfRange(`sign.${position}`, upload.totalChunks)
    if (checksum === undefined && upload.checksum !== 'none') {
      throw fieldRefusal('CHECKSUM_REQUIRED', `sign.${position}.checksum`, checksumRule(upload))
    }
  }
  const batches = await signedBatches(context, upload, sign)
  return { reply: { uploadId, uploadedCount: arrivedCount }, parts: batches }
}

/** The first batch is signed at once, so that what is wrong shows before anything is replied. */
export async function signedBatches(
  context: Context,
  upload: Upload,
  wanted: readonly PartToSign[],
): Promise<SignedBatches> {
  const first = await signBatch(context, upload, wanted.slice(0, BATCH))
  async function* batches(): SignedBatches {
    yield first
    for (let start = BATCH; start < wanted.length; start += BATCH) {
      yield await signBatch(context, upload, wanted.slice(start, start + BATCH))
    }
  }
  return batches()
}

async function signBatch(
  { signer, settings }: Context,
  upload: Upload,
  wanted: readonly PartToSign[],
): Promise<readonly SignedPart[]> {
  const { key, multipartId, checksum } = upload
  if (wanted.length === 0 || multipartId === undefined) return []
  return signer.signParts({
    key,
    multipartId,
    checksum,
    parts: wanted.map((part) => ({ ...part, size: partSize(upload, part.index) })),
    expiresInSeconds: settings.urlTtlSeconds,
  })
}

interface Changes {
  readonly uploadId: string
  readonly uploaded: readonly ReportedPart[]
  readonly sign: readonly PartToSign[]
}

/** The store's step behind every report, with its refusals said in the fields of the request. */
export async function record(
  context: Context,
  { owner }: Caller,
  { uploadId, uploaded, sign }: Changes,
  reportField = 'uploaded',
): Promise<RecordOutcome & { kind: 'recorded' }> {
  checkList(sign, 'sign')
  checkList(uploaded, reportField)
  const now = context.clock.now()
  const outcome = await context.store.recordParts(
    { owner, id: uploadId },
    {
      ...activeLifetime(context, now),
      now,
      signed: sign.flatMap(({ index, checksum }) =>
        checksum === undefined ? [] : { index, checksum },
      ),
      arrived: uploaded.map((part) => ({ ...part, etag: bareEtag(part.etag) })),
      ...(sign.length > 0 && { signing: signing(context, sign.length) }),
    },
  )
  if (outcome.kind === 'recorded') return outcome
  throw refusal(outcome, { uploaded, sign, reportField, now })
}

interface Reported {
  readonly uploaded: readonly ReportedPart[]
  readonly sign: readonly PartToSign[]
  readonly reportField: string
  readonly now: number
}

function refusal(
  outcome: Exclude<RecordOutcome, { kind: 'recorded' }>,
  reported: Reported,
): UploadError {
  switch (outcome.kind) {
    case 'not-found':
      return notFound()
    case 'wrong-state':
      return wrongState(outcome.upload, reported.now)
    case 'index-out-of-range':
      return outOfRange(fieldOf(outcome.index, reported), outcome.totalChunks)
    case 'checksum-malformed': {
      const rule = checksumRule(outcome.upload)
      return fieldRefusal('INVALID_REQUEST', `${fieldOf(outcome.index, reported)}.checksum`, rule)
    }
    case 'over-budget':
      return overBudget(outcome, reported.sign.length, reported.now)
    case 'checksum-differs': {
      const rule = 'is not the one that the URL of the part was signed for'
      return fieldRefusal('CHECKSUM_MISMATCH', `${fieldOf(outcome.index, reported)}.checksum`, rule)
    }
  }
}

function fieldOf(index: number, { uploaded, sign, reportField }: Reported): string {
  const signed = sign.findIndex((part) => part.index === index)
  if (signed >= 0) return `sign.${signed}`
  return `${reportField}.${uploaded.findIndex((part) => part.index === index)}`
}

function outOfRange(field: string, totalChunks: number): UploadError {
  const rule = `must be from 1 to ${totalChunks}`
  return fieldRefusal('INDEX_OUT_OF_RANGE', `${field}.index`, rule, { totalChunks })
}

function checksumRule({ checksum }: Upload): string {
  if (checksum === 'none') return 'must be absent: the upload has checksum "none"'
  return `must be the part's ${checksum}: ${CHECKSUM_BYTES[checksum]} bytes in base64`
}

/** What can be said of a list without knowing the upload. */
function checkList(parts: readonly PartToSign[], field: string): void {
  const seen = new Set<number>()
  for (const [position, { index, checksum }] of parts.entries()) {
    if (seen.has(index)) {
      throw fieldRefusal('INVALID_REQUEST', `${field}.${position}.index`, 'is there twice')
    }
    seen.add(index)
    if (checksum !== undefined && !MODES.some((mode) => isPartChecksum(mode, checksum))) {
      const rule = 'must be the base64 of a checksum, with its padding'
      throw fieldRefusal('INVALID_REQUEST', `${field}.${position}.checksum`, rule)
    }
  }
}

const MODES = ['sha256', 'md5', 'crc64nvme', 'crc32'] as const

/** ETags are quoted in HTTP and in some listings, bare in others; inside, always bare. */
function bareEtag(etag: string): string {
  return etag.replace(/^"|"$/g, '')
}
