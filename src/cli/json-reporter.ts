import type { ProgressEvent, UploadEvent } from '../client/events.js'
import { PartwayError } from '../client/partway-error.js'
import type { UploadResult } from '../client/upload-options.js'
import { toWire } from '../protocol/index.js'
import { errorText, type Failure, type Reporter } from './reporter.js'

export interface JsonReporterOptions {
  readonly file: string
  readonly stdout: NodeJS.WritableStream
  /** Milliseconds, from any beginning. */
  readonly now: () => number
}

const MOTION_MS = 200

/** One JSON object a line on stdout, in the spelling of the wire. */
export class JsonReporter implements Reporter {
  readonly #options: JsonReporterOptions
  #shownAt = Number.NEGATIVE_INFINITY
  #acknowledged = 0

  constructor(options: JsonReporterOptions) {
    this.#options = options
  }

  event(event: UploadEvent): void {
    // The end is told by `completed`, once for every way that leads there.
    if (event.type === 'completed') return
    if (event.type === 'progress' && !this.#isDue(event)) return
    this.#line(event.type, event)
  }

  completed({ uploadId, object }: UploadResult): void {
    this.#line('completed', { uploadId, object })
  }

  failed({ error, exitCode }: Failure): void {
    const known = error instanceof PartwayError ? error : undefined
    this.#line('error', {
      code: known?.code ?? 'UNEXPECTED',
      message: errorText(error),
      exitCode,
      requestId: known?.requestId,
      request: known?.details.request,
      uploadId: known?.details.uploadId,
    })
  }

  stopping(): void {}

  /** Every confirmed part is told; mere motion at most five times a second. */
  #isDue({ acknowledgedBytes }: ProgressEvent): boolean {
    const now = this.#options.now()
    const isConfirmed = acknowledgedBytes !== this.#acknowledged
    if (!isConfirmed && now - this.#shownAt < MOTION_MS) return false
    this.#acknowledged = acknowledgedBytes
    this.#shownAt = now
    return true
  }

  #line(type: string, details: object): void {
    const line = { type, file: this.#options.file, ...toWire<object>(details) }
    this.#options.stdout.write(`${JSON.stringify(line)}\n`)
  }
}
