import type { ChecksumMode, StoredObject } from '../protocol/index.js'
import type { UploadEvent } from './events.js'
import { PartwayError } from './partway-error.js'
import type { RetryPolicy } from './retry.js'

export interface UploadOptions {
  /** Address of the coordinator, with the path that it is mounted on, if any. */
  readonly server: string
  /** Sent as `Authorization: Bearer`, to the coordinator only. */
  readonly token?: string
  /** Parts in flight; as many chunks are in memory at most. From 1 to 64. @default 4 */
  readonly concurrency?: number
  /** Bytes; the server chooses when it is absent. */
  readonly chunkSize?: number
  /** The server chooses when it is absent: `sha256` where the bucket has it. */
  readonly checksum?: ChecksumMode
  readonly contentType?: string
  /** Kept with the object. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Stops the upload; what has arrived is kept, so that it can go on later. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: UploadEvent) => void
  /** After so long without a byte moving, a part is tried again, in ms. @default 60000 */
  readonly stallMs?: number
  /** @default 8 tries, waits from 300 ms doubling to 10 s, pauses of up to 2 minutes honoured */
  readonly retry?: RetryPolicy
}

export interface UploadResult {
  readonly uploadId: string
  /** The object, as the bucket described it after completion. */
  readonly object: StoredObject
}

export const MAX_CONCURRENCY = 64

/** @throws PartwayError `INVALID_OPTION` */
export function checkedConcurrency(concurrency = 4): number {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY) {
    return concurrency
  }
  const text = `The concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`
  throw new PartwayError('INVALID_OPTION', text)
}
