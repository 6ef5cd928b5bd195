import type { ChecksumMode, StatusReply, StoredObject } from '../protocol/index.js'
import type { HeadersSource } from './api.js'
import type { ConcurrencyRange } from './concurrency.js'
import type { UploadEvent } from './events.js'
import type { PartLedger } from './part-ledger.js'
import { PartwayError } from './partway-error.js'
import type { ProgressMeter } from './progress-meter.js'
import type { RetryPolicy } from './retry.js'

export interface UploadOptions {
  /** Address of the coordinator, with the path that it is mounted on, if any. */
  readonly server: string
  /** Sent as `Authorization: Bearer`, to the coordinator only. */
  readonly token?: string
  /** Headers of every call to the coordinator, or what makes them. Never sent to the bucket. */
  readonly headers?: HeadersSource
  /**
   * Parts in flight; as many chunks are in memory at most. From 1 to 64. A range is searched for what
   * brings the most bytes a second. @default 4
   */
  readonly concurrency?: number | ConcurrencyRange
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

/** What else the engine can be given, by what runs it more than once for one file. */
export interface EngineOptions extends UploadOptions {
  readonly onPhase?: (phase: UploadPhase) => void
  readonly onBegin?: (upload: StatusReply) => void
  /** What is known of the parts of this very file from before. */
  readonly ledger?: PartLedger
  readonly meter?: ProgressMeter
}

/** What the engine is at: it sends, it waits for the network, or all parts are there. */
export type UploadPhase = 'uploading' | 'offline' | 'completing'

export interface UploadResult {
  readonly uploadId: string
  /** The object, as the bucket described it after completion. */
  readonly object: StoredObject
}

export const MAX_CONCURRENCY = 64

/** @throws PartwayError `INVALID_OPTION` */
export function checkedConcurrency(concurrency: number | ConcurrencyRange = 4): ConcurrencyRange {
  const range =
    typeof concurrency === 'number' ? { min: concurrency, max: concurrency } : concurrency
  const { min, max } = range
  if ([min, max].every(Number.isInteger) && 1 <= min && min <= max && max <= MAX_CONCURRENCY) {
    return range
  }
  const text = `The concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`
  throw new PartwayError('INVALID_OPTION', text)
}
