import type { ChecksumMode, StoredObject, UploadState } from '../protocol/index.js'
import type { Lifetime, PartRecord, Session, Upload, UploadDraft } from './session.js'

/**
 * The ports of the coordinator. What every adapter promises is written here and checked by one
 * contract suite per port (`test/contract/`).
 *
 * Common to all: expected outcomes are values. A rejection means that the service behind the adapter
 * failed or did not answer, and then the effect of the call is *not known*; it is never read as yes or
 * as no. Time comes from the caller (`now`, milliseconds since the epoch), so an adapter reads no clock.
 */

/** Names an upload. An id of somebody else is simply not there. */
export interface UploadRef {
  readonly owner: string
  readonly id: string
}

/**
 * Where uploads live between `init` and the end.
 *
 * Each method is one atomic step: callers that race on one upload, in any number of processes, see it as
 * if they had run one after the other. What a step wrote is durable to the degree the store promises
 * before its promise resolves.
 *
 * A *claim* makes one caller the only one that may take the upload out of a claimed state until
 * `now + leaseMs`. Each claim gets a higher `fence` than every claim of that upload before it; a step
 * with an older fence changes nothing and says `false`. When the lease has ended, the next claim
 * takes over; until it does, the late holder may still finish.
 */
export interface SessionStore {
  /**
   * Claims the right to create the upload. `created` when there was no record, when the record is
   * `failed`, `aborted` or `expired` and there is no `step.supersedes`, when its creation was claimed by
   * a caller whose lease has ended, or when the record, not one of those three, has the epoch
   * `step.supersedes` and no claim on it is live. The new record is `creating`, has no parts, and its epoch is one above that of the record it replaces (1 for none).
   * `busy` while another creation or, with `supersedes`, another claim is live. Otherwise `exists`, and
   * the record is unchanged but for one thing: an `uploading` record gets `step`'s lifetime
   * (so that to come back to an upload keeps it alive; lifetimes never get shorter).
   */
  begin(draft: UploadDraft, step: BeginStep): Promise<BeginOutcome>

  /**
   * `creating` → `uploading`. `false`, changing nothing, when `fence` is not the latest or there is no
   * such record (any more).
   */
  open(ref: UploadRef, step: OpenStep): Promise<boolean>

  /** The upload with its parts, whatever its state. Records past `keepUntil` are not there. */
  find(ref: UploadRef, now: number): Promise<Session | undefined>

  /**
   * Records, all or nothing, the checksums that URLs are about to be signed for and the parts that
   * arrived; extends the lifetime, never shortening it. Only while `uploading` and not past `expiresAt`.
   *
   * `signed` is applied before `arrived`. To sign a part for another checksum than it was signed for
   * before takes its `etag` away: the client is about to send other bytes. An arrived part whose
   * `checksum` differs from the signed one is refused (`checksum-differs`); one that gives none, keeps
   * the signed one; one without a signed checksum sets it. Repeating a report is harmless.
   */
  recordParts(ref: UploadRef, change: PartsChange): Promise<RecordOutcome>

  /**
   * Makes the parts exactly `step.parts` (any order, each index once), as listed by the bucket. `false`,
   * changing nothing, unless the record has that epoch, and its parts the revision that the caller saw,
   * and the state is `uploading` or `completing`.
   */
  replaceParts(ref: UploadRef, step: ReplaceStep): Promise<boolean>

  /**
   * Claims the upload for completion or abort. From `uploading`; and from the same claimed state when
   * its lease has ended. An overdue upload (`uploading`, past `expiresAt`) can be aborted, not completed.
   */
  claim(ref: UploadRef, step: ClaimStep): Promise<ClaimOutcome>

  /**
   * Leaves the claimed state. `false`, changing nothing, when `fence` is not the latest or the state is
   * not `from`. To `uploading` it gives the claim back: the parts stay as they are. From `creating` it
   * goes to `completed` only, with the object that was found and the epoch of that object's token.
   */
  settle(ref: UploadRef, step: SettleStep): Promise<boolean>

  /** The owner's uploads but those `creating`, newest first (by `createdAt`, then id). */
  list(owner: string, query: ListUploads): Promise<UploadPage>

  /** Resolves when the store answers. */
  check(): Promise<void>

  close(): Promise<void>
}

export interface BeginStep extends Lifetime {
  readonly now: number
  readonly leaseMs: number
  /**
   * The epoch of an `uploading` or `completed` record that is known to have lost what it stood for. What
   * has been aborted since is not opened again by it.
   */
  readonly supersedes?: number
}

export type BeginOutcome =
  | {
      readonly kind: 'created'
      readonly epoch: number
      readonly fence: number
      /**
       * The highest epoch of which a record told more than `creating`; 0 when none did. Of the epochs
       * above it the store knows nothing.
       */
      readonly judged: number
    }
  | { readonly kind: 'exists'; readonly session: Session }
  | { readonly kind: 'busy'; readonly retryAfterMs: number }

export interface OpenStep {
  readonly fence: number
  readonly multipartId: string
  readonly now: number
  /** The multipart upload was found at the bucket: the record becomes `adopted`. */
  readonly adopted?: true
}

export interface PartsChange extends Lifetime {
  readonly now: number
  readonly signed: readonly { readonly index: number; readonly checksum: string }[]
  readonly arrived: readonly {
    readonly index: number
    readonly etag: string
    readonly checksum?: string
  }[]
}

export type RecordOutcome =
  | { readonly kind: 'recorded'; readonly upload: Upload; readonly arrivedCount: number }
  /** Not `uploading`, or overdue: `upload` tells. */
  | { readonly kind: 'wrong-state'; readonly upload: Upload }
  | { readonly kind: 'index-out-of-range'; readonly index: number; readonly totalChunks: number }
  /** The checksum has not as many bytes as the upload's mode has. */
  | { readonly kind: 'checksum-malformed'; readonly index: number; readonly upload: Upload }
  | { readonly kind: 'checksum-differs'; readonly index: number }
  | { readonly kind: 'not-found' }

export interface ReplaceStep {
  readonly epoch: number
  readonly revision: number
  readonly parts: readonly PartRecord[]
}

export interface ClaimStep {
  readonly to: 'completing' | 'aborting'
  readonly now: number
  readonly leaseMs: number
}

export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly session: Session; readonly fence: number }
  /** Somebody else's claim, of whichever kind, is live. `state` is the claimed state. */
  | { readonly kind: 'busy'; readonly state: UploadState; readonly retryAfterMs: number }
  /** Final, overdue, or claimed for something else with an ended lease: `upload` tells. */
  | { readonly kind: 'wrong-state'; readonly upload: Upload }
  | { readonly kind: 'not-found' }

export interface SettleStep extends Lifetime {
  readonly from: 'creating' | 'completing' | 'verifying' | 'aborting'
  readonly to: 'uploading' | 'completed' | 'failed' | 'aborted'
  readonly fence: number
  readonly now: number
  /** With `completed`. */
  readonly object?: StoredObject
  /** From `creating`: becomes the epoch of the record, which stays as it is otherwise. */
  readonly epoch?: number
}

export interface ListUploads {
  readonly now: number
  readonly limit: number
  readonly state?: UploadState
  /** `nextCursor` of the page before, unchanged. */
  readonly cursor?: string
}

export interface UploadPage {
  readonly uploads: readonly { readonly upload: Upload; readonly arrivedCount: number }[]
  /** Present when there may be more; made of letters, digits, `-` and `_`. */
  readonly nextCursor?: string
}

/**
 * The S3 bucket, in the calls that coordination needs. Only what is named as an outcome is an answer;
 * timeouts, resets, 5xx, 403 and a 200 that carries an `<Error>` reject.
 */
export interface Bucket {
  /** The bucket's name. */
  readonly name: string

  /**
   * Opens a multipart upload whose parts and object have the checksum of `checksum`
   * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html).
   * `metadata` is sent as it is: US-ASCII.
   */
  createMultipartUpload(request: CreateMultipart): Promise<{ readonly multipartId: string }>

  /**
   * All parts that the bucket holds, by ascending index, from every page of the list. Half a list is
   * never an answer: it rejects.
   */
  listParts(target: MultipartTarget): Promise<ListPartsOutcome>

  /** The multipart uploads that are open under exactly that key, newest first, from every page. */
  listMultipartUploads(key: string): Promise<ListMultipartOutcome>

  /** Sends the parts, their checksums and the object's digest, so that the bucket compares them all. */
  completeMultipartUpload(request: CompleteMultipart): Promise<CompleteMultipartOutcome>

  /** `gone` says that there is no such multipart upload, not why. */
  abortMultipartUpload(target: MultipartTarget): Promise<'aborted' | 'gone'>

  headObject(key: string): Promise<HeadObjectOutcome>

  /** Resolves when the bucket answers and is there. */
  check(): Promise<void>
}

export interface MultipartTarget {
  readonly key: string
  readonly multipartId: string
}

export interface CreateMultipart {
  readonly key: string
  readonly checksum: ChecksumMode
  readonly contentType?: string
  readonly metadata: Readonly<Record<string, string>>
}

/** A part in the bucket. `checksum` is present when the bucket keeps one of the upload's mode. */
export interface ListedPart {
  readonly index: number
  readonly size: number
  readonly etag: string
  readonly checksum?: string
}

export type ListPartsOutcome =
  | { readonly kind: 'listed'; readonly parts: readonly ListedPart[] }
  | { readonly kind: 'gone' }

export interface OpenMultipart {
  readonly multipartId: string
  /** Milliseconds since the epoch, by the bucket's clock. */
  readonly initiatedAt: number
}

export type ListMultipartOutcome =
  | { readonly kind: 'listed'; readonly uploads: readonly OpenMultipart[] }
  /** The bucket has no such list, or does not let us read it. Neither gets better by asking again. */
  | { readonly kind: 'unsupported' }

export interface CompleteMultipart extends MultipartTarget {
  readonly checksum: ChecksumMode
  readonly parts: readonly {
    readonly index: number
    readonly etag: string
    readonly checksum?: string
  }[]
  /** The object's size in bytes. */
  readonly size: number
  /** The composite root (`sha256`) or the full-object CRC; absent in modes that have neither. */
  readonly digest?: string
}

export type CompleteMultipartOutcome =
  | { readonly kind: 'completed' }
  /** `NoSuchUpload`: completed before, aborted, or lost. Only the object tells. */
  | { readonly kind: 'gone' }
  /** `412` or `409` to a conditional request: an object of that key is there. Only its token tells. */
  | { readonly kind: 'conflict' }
  /** A part is not as listed in the request. */
  | { readonly kind: 'invalid-part' }
  /** The bucket computed another digest than was sent. */
  | { readonly kind: 'digest-differs' }
  /** A part other than the last is below the bucket's smallest. */
  | { readonly kind: 'part-too-small' }

export type HeadObjectOutcome =
  | { readonly kind: 'found'; readonly object: HeadObject }
  | { readonly kind: 'absent' }

export interface HeadObject {
  readonly size: number
  readonly etag: string
  readonly versionId?: string
  /** `x-amz-meta-*` without the prefix, keys in lower case. */
  readonly metadata: Readonly<Record<string, string>>
  /** By mode, the object-level values that the bucket keeps, spelt as `digest` is on the wire. */
  readonly digests: Readonly<Partial<Record<ChecksumMode, string>>>
}

/**
 * Signs the URLs of parts. Nothing is sent anywhere.
 *
 * A URL admits exactly `size` bytes (`content-length` is signed) and, but in mode `none`, exactly the
 * bytes of that checksum (its header is signed; buckets ignore it in the query).
 */
export interface PartSigner {
  /** In the order asked for. Long batches give the event loop back at least every 20 ms. */
  signParts(request: SignRequest): Promise<readonly PresignedPart[]>
}

export interface SignRequest extends MultipartTarget {
  readonly checksum: ChecksumMode
  readonly parts: readonly {
    readonly index: number
    readonly size: number
    readonly checksum?: string
  }[]
  readonly expiresInSeconds: number
}

export interface PresignedPart {
  readonly index: number
  readonly size: number
  readonly url: string
  /** What the client must send besides `Host` and `Content-Length`, which every HTTP client sets. */
  readonly headers: Readonly<Record<string, string>>
  /** Seconds; less than asked for when the credentials end before. */
  readonly expiresIn: number
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`. */
  sleep(ms: number): Promise<void>
}

export interface RandomIds {
  /** 256 random bits in base64url. */
  uploadId(): string
}
