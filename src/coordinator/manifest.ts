import { objectDigest } from '../checksum/object-digest.js'
import { hasObjectDigest, type IndexRange, partSize } from '../protocol/index.js'
import type { Context } from './context.js'
import { mergeListing, missingParts } from './listing.js'
import { type ArrivedPart, isArrived, type PartRecord, type Session } from './session.js'

/** The parts that make the object, all of them, with the digest that they add up to. */
export interface Manifest {
  readonly parts: readonly ArrivedPart[]
  /** Absent in modes for which S3 keeps no value of the whole object. */
  readonly digest?: string
}

export type ManifestOutcome =
  | { readonly kind: 'whole'; readonly manifest: Manifest }
  | { readonly kind: 'missing'; readonly ranges: readonly IndexRange[] }
  /** There is no such multipart upload any more. */
  | { readonly kind: 'gone' }

/**
 * The manifest of what was recorded, or else of what the bucket lists. The records are enough when they
 * have every part with its checksum, because then the bucket itself compares all of them with the
 * parts it holds and the digest with the whole. Without an object digest nothing at the bucket
 * would notice, so the list is asked for: sizes and ETags are compared here.
 */
export async function manifestOf(context: Context, session: Session): Promise<ManifestOutcome> {
  const { upload, parts } = session
  const isRecorded =
    hasObjectDigest(upload.checksum) &&
    parts.length === upload.totalChunks &&
    parts.every((part) => isArrived(part) && part.checksum !== undefined)
  return isRecorded ? assemble(session, parts) : listedManifest(context, session)
}

/** The manifest of what the bucket lists, which also becomes the record. */
export async function listedManifest(context: Context, session: Session): Promise<ManifestOutcome> {
  const { upload, revision } = session
  const { key, multipartId = '', epoch } = upload
  const listing = await context.bucket.listParts({ key, multipartId })
  if (listing.kind === 'gone') return { kind: 'gone' }
  const parts = mergeListing(session, listing.parts)
  await context.store.replaceParts(upload, { epoch, revision, parts })
  return assemble(session, parts)
}

/** What the parts add up to, where the bytes of all of them are known, wherever they are. */
export async function knownDigest({ upload, parts }: Session): Promise<string | undefined> {
  const sized = parts.flatMap(({ index, checksum }) =>
    checksum === undefined ? [] : { checksum, size: partSize(upload, index) },
  )
  return sized.length === upload.totalChunks ? objectDigest(upload.checksum, sized) : undefined
}

async function assemble(
  { upload }: Session,
  records: readonly PartRecord[],
): Promise<ManifestOutcome> {
  const ranges = missingParts(upload, records)
  if (ranges.length > 0) return { kind: 'missing', ranges }
  const parts = records.filter(isArrived)
  // The layout makes the sum of the parts the declared size: each has exactly its place's size.
  const sized = parts.map(({ index, checksum = '' }) => ({
    checksum,
    size: partSize(upload, index),
  }))
  const digest = await objectDigest(upload.checksum, sized)
  return { kind: 'whole', manifest: digest === undefined ? { parts } : { parts, digest } }
}
