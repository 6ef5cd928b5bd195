import type { StoredObject, UploadState } from '../protocol/index.js'

/** What the engine tells while it works. Sizes in bytes. */
export type UploadEvent =
  | InitEvent
  | ResumedEvent
  | ProgressEvent
  | RetryEvent
  | { readonly type: 'completed'; readonly uploadId: string; readonly object: StoredObject }

export interface InitEvent {
  readonly type: 'init'
  readonly uploadId: string
  readonly state: UploadState
  readonly size: number
  readonly chunkSize: number
  readonly totalChunks: number
}

/** Parts that were there from before and hold what the file holds; they are not sent again. */
export interface ResumedEvent {
  readonly type: 'resumed'
  readonly uploadId: string
  readonly skippedParts: number
  readonly skippedBytes: number
}

export interface ProgressEvent {
  readonly type: 'progress'
  /**
   * Bytes of the parts that the bucket has confirmed. It goes back only when the bucket turns out to
   * have lost parts.
   */
  readonly acknowledgedBytes: number
  /** Bytes on their way that are not confirmed yet; they may have to be sent again. */
  readonly inFlightBytes: number
  readonly totalBytes: number
  /** Over the last seconds. */
  readonly bytesPerSecond: number
  /** Absent while the speed is not known. */
  readonly secondsLeft?: number
}

export interface RetryEvent {
  readonly type: 'retry'
  /** What is tried again: a call by its name, a part, or the upload as a whole. */
  readonly what: 'init' | 'parts' | 'status' | 'complete' | 'abort' | 'part' | 'upload'
  /** The part. */
  readonly index?: number
  readonly reason: string
  readonly delayMs: number
}
