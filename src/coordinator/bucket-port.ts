import type { ChecksumMode } from '../protocol/index.js'

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

  /**
   * The bytes from `start` (from 0) to `end` (not included) of the object that has that ETag, as they
   * arrive. The stream rejects when it breaks off; it never ends early as if that were all.
   */
  readObject(request: ReadObject): Promise<ReadObjectOutcome>

  /**
   * Removes the object, if it has that ETag: the version, where the bucket has versions. A bucket that
   * knows no conditional DELETE is asked for the ETag just before. `outdated`: nothing was removed.
   */
  removeObject(request: RemoveObject): Promise<'removed' | 'absent' | 'changed' | 'outdated'>

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
  /** The header of that name, in US-ASCII. */
  readonly contentDisposition?: string
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

export interface ObjectVersion {
  readonly key: string
  /** Without quotes. */
  readonly etag: string
  readonly versionId?: string
}

export interface RemoveObject extends ObjectVersion {
  /**
   * Asked last, right before the DELETE is sent: `false` keeps it from being sent. Whoever was held up, even
   * after the ETag was asked for, may have lost the right to it.
   */
  readonly mayRemove?: () => boolean
}

export interface ReadObject extends ObjectVersion {
  /** Bytes; `start < end`, and `end` is at most the object's size. */
  readonly start: number
  readonly end: number
  /** Ends the reading: the stream rejects. */
  readonly signal?: AbortSignal
}

export type ReadObjectOutcome =
  | { readonly kind: 'found'; readonly bytes: AsyncIterable<Uint8Array> }
  | { readonly kind: 'absent' }
  /** There is an object, but with another ETag. */
  | { readonly kind: 'changed' }

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
