/**
 * Every code that a reply may carry, with its HTTP status. The one table: the server, the clients,
 * the OpenAPI document and `docs/api.md` are all made from it or checked against it.
 */
export const ERROR_STATUS = {
  INVALID_REQUEST: 400,
  MALFORMED_JSON: 400,
  INVALID_CHUNK_SIZE: 400,
  INDEX_OUT_OF_RANGE: 400,
  CHECKSUM_REQUIRED: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  UPLOAD_NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  WRONG_STATE: 409,
  PARTS_MISSING: 409,
  COMPLETION_IN_PROGRESS: 409,
  UPLOAD_EXPIRED: 410,
  FILE_TOO_LARGE: 413,
  QUOTA_EXCEEDED: 413,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TYPE_NOT_ALLOWED: 415,
  CHECKSUM_MISMATCH: 422,
  CONTENT_MISMATCH: 422,
  LIMIT_REACHED: 429,
  TOO_MANY_REQUESTS: 429,
  INTERNAL: 500,
  UPLOAD_BUSY: 503,
  BUCKET_UNAVAILABLE: 503,
  STORE_UNAVAILABLE: 503,
  AUTH_UNAVAILABLE: 503,
  AUDIT_UNAVAILABLE: 503,
  SHUTTING_DOWN: 503,
} as const satisfies Record<string, number>

export type ErrorCode = keyof typeof ERROR_STATUS

/** Whether `code` is one of ours, and not one that a newer server has invented. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code)
}

/** The short, unchanging summary of a code: `title` of RFC 9457. What differs per case is `detail`. */
export const ERROR_TITLE: Record<ErrorCode, string> = {
  INVALID_REQUEST: 'The request is not valid',
  MALFORMED_JSON: 'The body is not valid JSON',
  INVALID_CHUNK_SIZE: 'The chunk size cannot work',
  INDEX_OUT_OF_RANGE: 'The upload has no part of that index',
  CHECKSUM_REQUIRED: 'The checksum of the part is required',
  UNAUTHENTICATED: 'Credentials are missing or not valid',
  FORBIDDEN: 'Not allowed',
  UPLOAD_NOT_FOUND: 'There is no such upload',
  ROUTE_NOT_FOUND: 'There is no such route',
  METHOD_NOT_ALLOWED: 'The route does not know that method',
  WRONG_STATE: 'The upload is not in a state that allows this',
  PARTS_MISSING: 'Parts are missing',
  COMPLETION_IN_PROGRESS: 'The upload is being completed',
  UPLOAD_EXPIRED: 'The upload has expired',
  FILE_TOO_LARGE: 'The file is too large',
  QUOTA_EXCEEDED: 'There is no room for the file',
  BODY_TOO_LARGE: 'The body of the request is too large',
  UNSUPPORTED_MEDIA_TYPE: 'The body must be JSON',
  TYPE_NOT_ALLOWED: 'Files of that type are not allowed',
  CHECKSUM_MISMATCH: 'The checksum does not match',
  CONTENT_MISMATCH: 'The file is not of the type that was declared',
  LIMIT_REACHED: 'A limit is reached for now',
  TOO_MANY_REQUESTS: 'Too many requests',
  INTERNAL: 'Internal error',
  UPLOAD_BUSY: 'The upload is busy',
  BUCKET_UNAVAILABLE: 'The bucket does not answer',
  STORE_UNAVAILABLE: 'The session store does not answer',
  AUTH_UNAVAILABLE: 'Credentials cannot be checked now',
  AUDIT_UNAVAILABLE: 'Decisions cannot be recorded now',
  SHUTTING_DOWN: 'The server is stopping',
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** `type` of RFC 9457: a stable name of the problem, not an address. */
export function problemType(code: ErrorCode): string {
  return `urn:partway:problem:${code.toLowerCase().replaceAll('_', '-')}`
}
