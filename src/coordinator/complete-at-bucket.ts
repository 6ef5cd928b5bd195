import type { IndexRange, StoredObject } from '../protocol/index.js'
import type { Context } from './context.js'
import { knownDigest, listedManifest, type Manifest, type ManifestOutcome } from './manifest.js'
import type { CompleteMultipartOutcome } from './ports.js'
import { proveObject } from './proof.js'
import type { Session } from './session.js'
import { UploadError } from './upload-error.js'

/** What is known after everything that completion asks of the bucket. */
export type CompletionOutcome =
  | { readonly kind: 'proven'; readonly object: StoredObject }
  /** An object with our token, but of another size or digest than it must have. */
  | { readonly kind: 'corrupt' }
  | { readonly kind: 'missing'; readonly ranges: readonly IndexRange[] }
  /** The client's digest is not the one that the parts add up to. */
  | { readonly kind: 'digest-differs' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Neither the multipart upload nor an object of ours is there. */
  | { readonly kind: 'lost' }
  /** The bucket may or may not have completed it. */
  | { readonly kind: 'unknown'; readonly fault: UploadError }

/** `CompleteMultipartUpload`'s answer, or that there was none that can be relied on. */
type Attempt = CompleteMultipartOutcome | { readonly kind: 'unknown'; readonly fault: UploadError }

export interface Completion {
  readonly session: Session
  /** What the client says the object's digest is. */
  readonly digest: string | undefined
  readonly manifest: ManifestOutcome
  /** Whether the manifest is already a second one, listed because the first was refused. */
  readonly isRetry?: boolean
}

export async function finishAtBucket(
  context: Context,
  completion: Completion,
): Promise<CompletionOutcome> {
  const { session, manifest: outcome } = completion
  if (outcome.kind === 'missing') return outcome
  if (outcome.kind === 'gone') return afterward(context, completion)
  const { manifest } = outcome
  for (const declared of [completion.digest, session.upload.digest]) {
    if (declared !== undefined && declared !== manifest.digest) return { kind: 'digest-differs' }
  }
  const attempt = await tryComplete(context, session, manifest)
  return verdict(context, completion, { attempt, digest: manifest.digest })
}

/**
 * There is nothing to complete any more: is it done? What the client says of it now comes last, so that a
 * wrong digest does not turn a good object into a failed one.
 */
async function afterward(
  context: Context,
  { session, digest }: Completion,
): Promise<CompletionOutcome> {
  const { upload } = session
  const known = upload.digest ?? (await knownDigest(session))
  // An adopted upload's object may be of another epoch: then every word on its content counts.
  const expected = known ?? (upload.adopted ? digest : undefined)
  const proof = await proveObject(context, upload, expected)
  if (proof.kind === 'not-ours') return { kind: 'lost' }
  if (proof.kind === 'proven' && digest !== undefined && digest !== proof.object.digest) {
    return { kind: 'digest-differs' }
  }
  return proof
}

async function tryComplete(
  context: Context,
  { upload }: Session,
  { parts, digest }: Manifest,
): Promise<Attempt> {
  const { key, multipartId = '', checksum, size } = upload
  try {
    return await context.bucket.completeMultipartUpload({
      key,
      multipartId,
      checksum,
      parts,
      size,
      ...(digest === undefined ? {} : { digest }),
    })
  } catch (fault) {
    if (fault instanceof UploadError) return { kind: 'unknown', fault }
    throw fault
  }
}

/**
 * What an answer means is for the object to say: buckets answer a completion that was already done with
 * 200, 404 or 412, and an error may hide a completion that happened. Nothing is ever deleted here.
 */
async function verdict(
  context: Context,
  completion: Completion,
  { attempt, digest }: { readonly attempt: Attempt; readonly digest: string | undefined },
): Promise<CompletionOutcome> {
  const proof = await proveObject(context, completion.session.upload, digest)
  if (proof.kind !== 'not-ours') return proof
  switch (attempt.kind) {
    case 'gone':
      return { kind: 'lost' }
    case 'invalid-part':
    case 'digest-differs':
      return again(context, completion)
    case 'part-too-small':
      return {
        kind: 'refused',
        reason: 'The bucket takes only larger parts; use a larger chunk_size.',
      }
    case 'unknown':
      return attempt
    case 'completed':
    case 'conflict':
      return { kind: 'unknown', fault: unproven() }
  }
}

/** A part is not as recorded: what the bucket lists decides, once. */
async function again(context: Context, completion: Completion): Promise<CompletionOutcome> {
  if (completion.isRetry) return { kind: 'unknown', fault: unproven() }
  const manifest = await listedManifest(context, completion.session)
  return finishAtBucket(context, { ...completion, manifest, isRetry: true })
}

function unproven(): UploadError {
  return new UploadError('BUCKET_UNAVAILABLE', 'The bucket did not prove the object; try again.', {
    retryAfterMs: 2_000,
  })
}
