import type { ErrorRequestHandler, Response } from 'express'
import { UploadError } from '../coordinator/upload-error.js'
import type { ErrorCode } from '../protocol/index.js'
import { requestIdOf } from './headers.js'
import { sendProblem } from './reply.js'
import { noteRefusal } from './request-meter.js'

/** Where a fault happened. The path is without the query, which may hold what nobody should read. */
export interface FaultContext {
  readonly requestId: string | undefined
  readonly method: string
  readonly path: string
  readonly code: ErrorCode
}

/** Told once of every error behind a 5xx reply. `error` may carry secrets in its own properties. */
export type FaultLog = (error: unknown, context: FaultContext) => void

/** The one place where an exception becomes a reply. Mount it last. */
export function errorHandler(log: FaultLog = warnProcess): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const refusal = toUploadError(error)
    noteRefusal(res, refusal)
    if (refusal.status >= 500) {
      const context = { method: req.method, path: req.baseUrl + req.path, code: refusal.code }
      log(refusal.cause ?? refusal, { requestId: requestIdOf(res), ...context })
    }
    // Half a reply was sent already; cutting it off is the only way to say that it is not whole.
    if (res.headersSent) res.destroy()
    else reply(res, refusal)
  }
}

function reply(res: Response, refusal: UploadError): void {
  const { retryAfterMs } = refusal.details
  if (retryAfterMs !== undefined) {
    res.set('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))))
  }
  // RFC 9110 section 15.5.2 requires one. Always the same: nothing tells what was wrong with a credential.
  if (refusal.status === 401) res.set('WWW-Authenticate', 'Bearer')
  sendProblem(res, refusal.toProblem(requestIdOf(res)))
}

/** What is said of an error: of any that is not a refusal, nothing but that there was one. */
export function toUploadError(error: unknown): UploadError {
  if (error instanceof UploadError) return error
  return (
    bodyRefusal(error) ??
    new UploadError(
      'INTERNAL',
      'The server could not do this. The request id leads to the cause.',
      {
        cause: error,
      },
    )
  )
}

/** The errors of body-parser, by the `type` that it documents; their texts quote the body. */
function bodyRefusal(error: unknown): UploadError | undefined {
  if (!(error instanceof Error) || !('type' in error)) return undefined
  switch (error.type) {
    case 'entity.too.large':
      return new UploadError('BODY_TOO_LARGE', `The body may have at most ${limitOf(error)} bytes`)
    case 'encoding.unsupported':
      return new UploadError('UNSUPPORTED_MEDIA_TYPE', 'The body must not be compressed')
    case 'request.aborted':
    case 'request.size.invalid':
      return new UploadError('INVALID_REQUEST', 'The body is not as long as Content-Length says')
    default:
      return undefined
  }
}

function limitOf(error: Error): number | string {
  return 'limit' in error && typeof error.limit === 'number' ? error.limit : 'so many'
}

// A host application that brings no log still hears of faults; only their text, not their properties.
function warnProcess(error: unknown): void {
  process.emitWarning(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
