import type { ChecksumMode, Layout, StoredObject, UploadState } from '../protocol/index.js'

/**
 * An upload as the coordinator knows it.
 *
 * ```
 * creating ──open──▶ uploading ──claim──▶ completing ──▶ verifying ◀──claim──▶ completed
 *                      │   ▲                  │  │            └──────▶ failed
 *                      │   └──── release ─────┘  └──▶ completed
 *                      └──claim──▶ aborting ──▶ aborted, expired
 * ```
 *
 * `creating` is not on the wire: nobody is shown an upload before its multipart upload exists. It goes
 * straight to `completed` or `verifying` where the object is there already: the store has lost the record of
 * it, or the same owner has stored the same content before. A `completed` upload goes back to `verifying`
 * when a hash of the whole file is given later that has not been checked yet.
 * Every arrow is one atomic step of `SessionStore`. A step out of a claimed state (`creating`,
 * `completing`, `verifying`, `aborting`) needs the fencing number that its claim was given.
 */
export type SessionState = 'creating' | UploadState

/** States that only the holder of the latest claim may leave, until its lease ends. */
export const CLAIMED_STATES = ['creating', 'completing', 'verifying', 'aborting'] as const

/** States that nothing leaves but a new upload of the same file under a higher epoch. */
export const FINAL_STATES = ['completed', 'failed', 'aborted', 'expired'] as const

/** What is fixed when an upload is created. Sizes in bytes. */
export interface UploadDraft extends Layout {
  readonly id: string
  readonly owner: string
  readonly filename: string
  readonly checksum: ChecksumMode
  /** The object's key in the bucket. */
  readonly key: string
  readonly contentType?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** The object-level digest that the client declared; the finished object must have it. */
  readonly digest?: string
  /**
   * The hash of the whole file that the client declared: SHA-256 or, by its length, MD5, in lower-case hex.
   * The object is `completed` only after it was read and had it.
   */
  readonly fileHash?: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** When a record ends, in milliseconds since the epoch. */
export interface Lifetime {
  /** From then on the upload no longer takes parts. */
  readonly expiresAt: number
  /** From then on the record may be forgotten. Never before `expiresAt`. */
  readonly keepUntil: number
}

export interface Upload extends UploadDraft, Lifetime {
  readonly state: SessionState
  /**
   * Counts the multipart uploads opened for this id, from 1. It is part of the token on the object,
   * so what an earlier one left behind is never taken for this one's. A store that was lost counts
   * from 1 again.
   */
  readonly epoch: number
  /**
   * The multipart upload was not opened by this record but found at the bucket, after the record of it
   * was lost or never written. Which epoch its token has is then not known: a bucket tells the metadata
   * of a multipart upload to nobody. See `proof.ts` for what proves its object.
   */
  readonly adopted?: true
  /** S3's `UploadId`; absent while `creating`, and where the object itself was found. */
  readonly multipartId?: string
  /** The hash that came with the completion, as {@link UploadDraft.fileHash}, and checked like it. */
  readonly expectedHash?: string
  /** While `verifying`: it was `completed` before. What stood once is not removed by a later check. */
  readonly standing?: true
  /** Present while `verifying` and once `completed`. */
  readonly object?: StoredObject
}

/** What is known of one part. */
export interface PartRecord {
  readonly index: number
  /** The checksum that its latest URL was signed for (base64). */
  readonly checksum?: string
  /** Present when the part is in the bucket, as far as was reported or listed. Without quotes. */
  readonly etag?: string
}

/** A part that is in the bucket. */
export type ArrivedPart = PartRecord & { readonly etag: string }

export interface Session {
  readonly upload: Upload
  /** The parts of which anything is known, by ascending index, each index once. */
  readonly parts: readonly PartRecord[]
  /** Grows with every change of the parts. */
  readonly revision: number
}

export function isArrived(part: PartRecord): part is ArrivedPart {
  return part.etag !== undefined
}

/** What was fixed when the upload was created. */
export function draftPart(upload: Upload): UploadDraft {
  const {
    state: _,
    epoch: __,
    multipartId: ___,
    adopted: ____,
    object: _____,
    expectedHash: ______,
    standing: _______,
    expiresAt: ________,
    keepUntil: _________,
    ...draft
  } = upload
  return draft
}

/** Whether the upload has outlived its time without anyone having marked it `expired` yet. */
export function isOverdue(upload: Upload, now: number): boolean {
  return upload.state === 'uploading' && upload.expiresAt <= now
}

/** The metadata entry that proves an object to be this upload's own; see `Bucket.headObject`. */
export const TOKEN_METADATA_KEY = 'partway-token'

/** What {@link TOKEN_METADATA_KEY} says: which upload made the object, and which epoch of it. */
export function objectToken(upload: { readonly id: string; readonly epoch: number }): string {
  return `${upload.id}.${upload.epoch}`
}

/** The epoch that a token of the upload `id` has; `undefined` for any other token, or none. */
export function tokenEpoch(id: string, token: string | undefined): number | undefined {
  if (!token?.startsWith(`${id}.`)) return undefined
  const epoch = Number(token.slice(id.length + 1))
  return token === objectToken({ id, epoch }) && Number.isSafeInteger(epoch) ? epoch : undefined
}
