import type { StoredObject, UploadState } from '../protocol/index.js'
import type { Lifetime, PartRecord, Session, Upload, UploadDraft } from './session.js'
import type { Exceeded, OverBudget, Signing, Usage, UsageLimits } from './usage.js'

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
   * With `created` comes the owner's upload, if there is one, that settled last as `completed` with
   * `step.content` among its contents, and is still `completed`.
   *
   * In the same step the owner's usage is compared with `step.limits`, with what the new record takes of it and
   * what the one that it replaces gives back; `over-limit` changes nothing. That holds too for an `uploading` record
   * past its `expiresAt`, which takes its room again. No other `exists` is refused for it. URLs of `step.signing`,
   * at most as many as parts have not arrived, are counted as `recordParts` counts them.
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
   *
   * The URLs of `signing` are added to those that have been signed for this record today (UTC), if that does not
   * make more than there may be; otherwise the answer is `over-budget`.
   */
  recordParts(ref: UploadRef, change: PartsChange): Promise<RecordOutcome>

  /**
   * Makes the parts exactly `step.parts` (any order, each index once), as listed by the bucket. `false`,
   * changing nothing, unless the record has that epoch, and its parts the revision that the caller saw,
   * and the state is `uploading` or `completing`.
   */
  replaceParts(ref: UploadRef, step: ReplaceStep): Promise<boolean>

  /**
   * Claims the upload for completion, abort or verification. From the same claimed state when its lease has
   * ended; to complete or abort it also from `uploading`, to verify it from `completed`. An overdue upload
   * (`uploading`, past `expiresAt`) can be aborted, not completed. From `completed` it makes the upload
   * `standing` until it settles. From `uploading` to complete, it is `over-limit`, changing nothing, when the owner's
   * completed uploads and this one would be more than `maxStoredBytes`.
   */
  claim(ref: UploadRef, step: ClaimStep): Promise<ClaimOutcome>

  /**
   * Makes the lease of a claim end at `now + leaseMs`, sooner or later than it would have. `false`, changing
   * nothing, when `fence` is not the latest or the state is not the one claimed.
   */
  extend(ref: UploadRef, step: ExtendStep): Promise<boolean>

  /**
   * Leaves the claimed state. `false`, changing nothing, when `fence` is not the latest or the state is
   * not `from`. To `uploading` it gives the claim back: the parts stay as they are. From `creating` it
   * goes to `completed` or `verifying` only, with the object that was found and the epoch of that object's
   * token. To `verifying` it leaves the upload to whoever claims it next, as with a lease that ends at `now`.
   */
  settle(ref: UploadRef, step: SettleStep): Promise<boolean>

  /**
   * Uploads of any owner that are `completing`, `aborting` or `verifying` with an ended lease, at most
   * `limit`, the ones that ended first before others. Each is given sooner or later, as long as it is so; one
   * that has just been left may be missing for a minute.
   */
  due(query: DueQuery): Promise<readonly UploadRef[]>

  /**
   * Uploads of any owner that are past their `expiresAt` and have not ended: `uploading`, or `creating` with an
   * ended lease; at most `limit`, the ones that ended first before others. Each is given sooner or later, as long
   * as it is so and somebody asks at least once in the time between `expiresAt` and `keepUntil`; one that has just
   * been changed may be missing for a minute.
   */
  overdue(query: DueQuery): Promise<readonly UploadRef[]>

  /**
   * A page of the uploads of any owner that may have a multipart upload: `creating`, `uploading`, `completing` and
   * `aborting`. Whatever is so while all pages are read is on one of them; others may be as well, and any of
   * them twice.
   */
  unfinished(query: UnfinishedQuery): Promise<UnfinishedPage>

  /** Forgets records past `keepUntil`, at most `limit`, and says how many. A store may forget by itself instead. */
  purge(query: DueQuery): Promise<number>

  /** The owner's uploads but those `creating`, newest first (by `createdAt`, then id). */
  list(owner: string, query: ListUploads): Promise<UploadPage>

  /** What the owner has at `now`: the sum over the records that {@link Usage} names, and nothing else. */
  usage(owner: string, now: number): Promise<Usage>

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
  /** What the content is known by, as in {@link SettleStep.contents}. */
  readonly content?: string
  readonly limits?: UsageLimits
  /** URLs that are about to be signed for it, of parts that have not arrived. */
  readonly signing?: Signing
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
      readonly twin?: Upload
    }
  | { readonly kind: 'exists'; readonly session: Session }
  | { readonly kind: 'busy'; readonly retryAfterMs: number }
  | ({ readonly kind: 'over-limit' } & Exceeded)
  | ({ readonly kind: 'over-budget' } & OverBudget)

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
  readonly signing?: Signing
}

export type RecordOutcome =
  | { readonly kind: 'recorded'; readonly upload: Upload; readonly arrivedCount: number }
  /** Not `uploading`, or overdue: `upload` tells. */
  | { readonly kind: 'wrong-state'; readonly upload: Upload }
  | { readonly kind: 'index-out-of-range'; readonly index: number; readonly totalChunks: number }
  /** The checksum has not as many bytes as the upload's mode has. */
  | { readonly kind: 'checksum-malformed'; readonly index: number; readonly upload: Upload }
  | { readonly kind: 'checksum-differs'; readonly index: number }
  | ({ readonly kind: 'over-budget' } & OverBudget)
  | { readonly kind: 'not-found' }

export interface ReplaceStep {
  readonly epoch: number
  readonly revision: number
  readonly parts: readonly PartRecord[]
}

export interface ClaimStep {
  readonly to: ClaimedWork
  readonly now: number
  /** 0 leaves the upload to whoever claims it next. */
  readonly leaseMs: number
  /** Becomes the `expectedHash` of the record; without it the earlier one stays. */
  readonly expectedHash?: string
  readonly maxStoredBytes?: number
}

/** What an upload can be claimed for; all but `creating`, which `begin` claims. */
export type ClaimedWork = 'completing' | 'verifying' | 'aborting'

export type ClaimOutcome =
  | {
      readonly kind: 'claimed'
      readonly session: Session
      readonly fence: number
      /**
       * How many claims in a row were for the same, this one included: more than 1 when others failed. A claim
       * with `leaseMs` 0 is nobody's try and is not counted.
       */
      readonly attempt: number
    }
  /** Somebody else's claim, of whichever kind, is live. `state` is the claimed state. */
  | { readonly kind: 'busy'; readonly state: UploadState; readonly retryAfterMs: number }
  /** Final, overdue, or claimed for something else with an ended lease: `upload` tells. */
  | { readonly kind: 'wrong-state'; readonly upload: Upload }
  | ({ readonly kind: 'over-limit' } & Exceeded)
  | { readonly kind: 'not-found' }

export interface ExtendStep {
  readonly state: 'creating' | ClaimedWork
  readonly fence: number
  readonly now: number
  readonly leaseMs: number
}

export interface DueQuery {
  readonly now: number
  readonly limit: number
}

export interface UnfinishedQuery {
  /** About how many are to be on the page. */
  readonly limit: number
  /** `nextCursor` of the page before, unchanged. */
  readonly cursor?: string
}

export interface UnfinishedPage {
  readonly refs: readonly UploadRef[]
  /** Present when there may be more. */
  readonly nextCursor?: string
}

export interface SettleStep extends Lifetime {
  readonly from: 'creating' | ClaimedWork
  readonly to: 'uploading' | 'verifying' | 'completed' | 'failed' | 'aborted' | 'expired'
  readonly fence: number
  readonly now: number
  /** With `completed` and `verifying`. */
  readonly object?: StoredObject
  /**
   * With `completed`: what the content is known by, so that `begin` finds it. Made of letters, digits, `-`
   * and `_`, at most three.
   */
  readonly contents?: readonly string[]
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
