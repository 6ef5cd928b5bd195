import type { UploadEvent } from '../client/events.js'
import type { UploadResult } from '../client/upload-options.js'

export interface Failure {
  readonly error: unknown
  readonly exitCode: number
}

/** Shows how the upload of one file goes, in one of several manners. */
export interface Reporter {
  event(event: UploadEvent): void
  completed(result: UploadResult): void
  failed(failure: Failure): void
  /** An interrupt was heard. */
  stopping(): void
}

/** What may be said of an error; what is not one of ours says its own text. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
