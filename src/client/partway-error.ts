import type { ErrorCode, FieldError, IndexRange, UploadState } from '../protocol/index.js'

/** What can go wrong on this side of the wire, besides the codes of the server. */
export const CLIENT_ERROR_CODES = [
  'INVALID_OPTION',
  'SERVER_UNREACHABLE',
  'BUCKET_UNREACHABLE',
  'BUCKET_REFUSED',
  'ETAG_NOT_EXPOSED',
  'UPLOAD_GONE',
  'UNEXPECTED_REPLY',
  'FILE_MISSING',
  'FILE_UNREADABLE',
  'FILE_NOT_REGULAR',
  'FILE_EMPTY',
  'FILE_CHANGED',
  'INTERRUPTED',
  'CANCELLED',
  'HEADERS_FAILED',
  'FAULT',
] as const

export type ClientErrorCode = (typeof CLIENT_ERROR_CODES)[number]

export interface PartwayErrorDetails {
  /** HTTP status of the answer, when there was one. */
  readonly status?: number
  /** The first field of the request that was refused, and all of them. */
  readonly field?: string
  readonly errors?: readonly FieldError[]
  /** The parts that the bucket does not have. */
  readonly missing?: readonly IndexRange[]
  readonly state?: UploadState
  readonly retryAfterMs?: number
  /** Leads to the cause in the server's log. */
  readonly requestId?: string
  /** Method and URL of the failing request, without its query: a presigned query is a secret. */
  readonly request?: string
  readonly uploadId?: string
}

/** The one error of the client. `code` may also be one that a newer server invented. */
export class PartwayError extends Error {
  override readonly name = 'PartwayError'
  readonly code: ErrorCode | ClientErrorCode | (string & {})
  readonly details: PartwayErrorDetails

  constructor(
    code: ErrorCode | ClientErrorCode | (string & {}),
    message: string,
    options: PartwayErrorDetails & { readonly cause?: unknown } = {},
  ) {
    const { cause, ...details } = options
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }

  get status(): number | undefined {
    return this.details.status
  }

  get retryAfterMs(): number | undefined {
    return this.details.retryAfterMs
  }

  get requestId(): string | undefined {
    return this.details.requestId
  }

  get missing(): readonly IndexRange[] | undefined {
    return this.details.missing
  }
}

/** `POST https://host/path`: what may be shown of a request. */
export function describeRequest(method: string, url: string): string {
  const { origin, pathname } = new URL(url)
  return `${method} ${origin}${pathname}`
}
