import type { CompleteMultipartOutcome } from '../coordinator/ports.js'

/**
 * The error codes that are answers to CompleteMultipartUpload
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html#API_CompleteMultipartUpload_Errors).
 * Of a digest that differs AWS and VersityGW say `BadDigest`, MinIO `XAmzContentChecksumMismatch`.
 */
const COMPLETE_OUTCOMES = new Map<string, CompleteMultipartOutcome['kind']>([
  ['NoSuchUpload', 'gone'],
  ['PreconditionFailed', 'conflict'],
  ['ConditionalRequestConflict', 'conflict'],
  ['InvalidPart', 'invalid-part'],
  ['InvalidPartOrder', 'invalid-part'],
  ['BadDigest', 'digest-differs'],
  ['XAmzContentChecksumMismatch', 'digest-differs'],
  ['EntityTooSmall', 'part-too-small'],
])

/** What an error of CompleteMultipartUpload says, or `undefined` when it is no answer but a fault. */
export function completeOutcome(error: unknown): CompleteMultipartOutcome | undefined {
  const kind = error instanceof Error ? COMPLETE_OUTCOMES.get(error.name) : undefined
  return kind === undefined ? undefined : { kind }
}

/** Whether S3 said `NoSuchUpload`; that a bucket or a key is not there is something else. */
export function isNoSuchUpload(error: unknown): boolean {
  return error instanceof Error && error.name === 'NoSuchUpload'
}

const REFUSALS_FOR_GOOD = new Set(['NotImplemented', 'MethodNotAllowed', 'AccessDenied'])

/** Whether the bucket has no such call, or none for us: the answer will be the same next time. */
export function isRefusedForGood(error: unknown): boolean {
  return error instanceof Error && REFUSALS_FOR_GOOD.has(error.name)
}

/** Whether a HEAD was answered 404. It has no body, so the status is all that there is to read. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'NotFound'
}

const NO_SUCH_OBJECT = new Set(['NotFound', 'NoSuchKey', 'NoSuchVersion'])

/** Whether there is no object of that key, or no such version of it; the bucket itself is there. */
export function isNoSuchObject(error: unknown): boolean {
  return error instanceof Error && NO_SUCH_OBJECT.has(error.name)
}

/** Whether the object has another ETag than the request asked for. */
export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof Error && error.name === 'PreconditionFailed'
}
