import {
  ERROR_STATUS,
  ERROR_TITLE,
  type ErrorCode,
  type FieldError,
  type IndexRange,
  type Problem,
  problemType,
  type UploadState,
} from '../protocol/index.js'

/** The numbers that a client needs to go on; each appears in the reply when it is given. */
export interface UploadErrorDetails {
  readonly errors?: readonly FieldError[]
  readonly missing?: readonly IndexRange[]
  readonly state?: UploadState
  readonly minChunkSize?: number
  readonly maxChunkSize?: number
  readonly maxSize?: number
  readonly totalChunks?: number
  /** The name of a limit: of `max`, `used` is taken, and `asked` more were wanted. */
  readonly limit?: string
  readonly max?: number
  readonly used?: number
  readonly asked?: number
  readonly retryAfterMs?: number
}

export interface UploadErrorOptions extends UploadErrorDetails {
  /** What was thrown underneath. Logged, never shown. */
  readonly cause?: unknown
}

/** The only error that may reach a client; anything else is reported as `INTERNAL`. */
export class UploadError extends Error {
  override readonly name = 'UploadError'
  readonly code: ErrorCode
  readonly details: UploadErrorDetails

  /** `message` is shown to the client: it names the field and the limit, and nothing internal. */
  constructor(code: ErrorCode, message: string, options: UploadErrorOptions = {}) {
    const { cause, ...details } = options
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }

  get status(): number {
    return ERROR_STATUS[this.code]
  }

  /** The reply of RFC 9457, in camelCase. */
  toProblem(requestId: string | undefined): Problem {
    const { errors, missing, ...numbers } = this.details
    return {
      type: problemType(this.code),
      title: ERROR_TITLE[this.code],
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(requestId === undefined ? {} : { requestId }),
      ...(errors?.[0] === undefined ? {} : { field: errors[0].field, errors: [...errors] }),
      ...(missing === undefined ? {} : { missing: missing.map(([first, last]) => [first, last]) }),
      ...numbers,
    }
  }
}

/** A refusal that names one field. */
export function fieldRefusal(
  code: ErrorCode,
  field: string,
  message: string,
  details: UploadErrorDetails = {},
): UploadError {
  return new UploadError(code, `${field} ${message}`, {
    ...details,
    errors: [{ field, message }],
  })
}
