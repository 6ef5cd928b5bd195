import type { ProgressEvent, UploadEvent } from '../client/events.js'
import { PartwayError } from '../client/partway-error.js'
import type { UploadResult } from '../client/upload-options.js'
import { printable } from './printable.js'
import { percentOf, progressText, resumedText, retryText } from './progress-text.js'
import { errorText, type Failure, type Reporter } from './reporter.js'

export interface TextReporterOptions {
  readonly file: string
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /** Nothing but errors, and the result. */
  readonly isQuiet: boolean
  readonly progress: ProgressView
}

/** Where progress is shown. `line` is a message that must not be mixed up with it. */
export interface ProgressView {
  show(event: ProgressEvent): void
  line(text: string): void
  close(): void
}

/** For people: what happens on stderr, and the key of the finished object, alone, on stdout. */
export class TextReporter implements Reporter {
  readonly #options: TextReporterOptions

  constructor(options: TextReporterOptions) {
    this.#options = options
  }

  event(event: UploadEvent): void {
    const { isQuiet, progress } = this.#options
    if (isQuiet) return
    if (event.type === 'progress') progress.show(event)
    if (event.type === 'resumed') this.#say(resumedText(event))
    if (event.type === 'retry') this.#say(retryText(event))
    if (event.type === 'init' && event.state === 'completed') this.#say('was uploaded before')
  }

  completed({ object }: UploadResult): void {
    const { progress, stdout } = this.#options
    progress.close()
    stdout.write(`${printable(object.key)}\n`)
  }

  failed({ error }: Failure): void {
    this.#options.progress.close()
    this.#error(errorText(error))
    if (!(error instanceof PartwayError)) return
    const { requestId, uploadId } = error.details
    if (requestId !== undefined) this.#error(`the server's log has it as request ${requestId}`)
    if (error.code !== 'INTERRUPTED') return
    this.#error('run the same command again to go on')
    if (uploadId !== undefined) this.#error(`or discard it: partway abort ${uploadId}`)
  }

  stopping(): void {
    if (!this.#options.isQuiet) this.#say('stopping; once more to quit at once')
  }

  #say(text: string): void {
    const { progress, file } = this.#options
    progress.line(printable(`${file}: ${text}`))
  }

  #error(text: string): void {
    const { stderr, file } = this.#options
    const line = text.startsWith(file) ? text : `${file}: ${text}`
    stderr.write(`${printable(line)}\n`)
  }
}

export interface PlainProgressOptions {
  readonly file: string
  readonly stderr: NodeJS.WritableStream
  /** Milliseconds, from any beginning. */
  readonly now: () => number
}

const SHORTEST_MS = 2_000
const LONGEST_MS = 30_000
const STEP_PERCENT = 5

/**
 * Progress as lines of a log: one for every 5 %, and one after 30 s of less, but never two within 2 s.
 */
export function plainProgress({ file, stderr, now }: PlainProgressOptions): ProgressView {
  let shownAt = now()
  let shownPercent = 0
  const line = (text: string) => {
    stderr.write(`${text}\n`)
  }
  return {
    show(event) {
      const elapsed = now() - shownAt
      const steps = percentOf(event) - shownPercent
      if (elapsed < SHORTEST_MS || (elapsed < LONGEST_MS && steps < STEP_PERCENT)) return
      shownAt = now()
      shownPercent = percentOf(event)
      line(printable(`${file}: ${progressText(event)}`))
    },
    line,
    close() {},
  }
}
