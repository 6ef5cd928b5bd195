import type { ChecksumMode } from '../protocol/index.js'
import type { MultipartTarget } from './bucket-port.js'

/**
 * Sends the bytes of a part to the bucket, for clients that cannot reach it. The only port through which bytes
 * of files pass.
 *
 * - The bytes are asked for no faster than the bucket takes them, and none is kept.
 * - Nothing is stored unless they end, and then there are `size` of them: when `bytes` throws, the request to
 *   the bucket is broken off before its end, and the call rejects.
 * - With a checksum, the bucket compares the bytes that it got with it, and stores nothing when they differ. In
 *   mode `none` it does so only where `contentHash` can be sent along.
 * - `bytes` is read no further when the bucket refuses the part or fails.
 * - A part of that index that was there before stays until the new one is stored.
 * - Nothing is sent twice: whoever has the bytes decides on that.
 */
export interface PartRelay {
  putPart(request: PutPart): Promise<PutPartOutcome>
}

export interface PutPart extends MultipartTarget {
  readonly index: number
  readonly size: number
  /** Of the upload. */
  readonly checksum: ChecksumMode
  /** Of the part, in that mode; absent in mode `none`. Where it comes from the bytes, it is asked for after the last. */
  readonly value?: string | (() => string)
  /** What the client says that the part has. In hex: SHA-256, or MD5 by its length. */
  readonly contentHash: string
  readonly bytes: AsyncIterable<Uint8Array>
}

export type PutPartOutcome =
  /** The ETag without quotes. */
  | { readonly kind: 'stored'; readonly etag: string }
  /** There is no such multipart upload. */
  | { readonly kind: 'gone' }
