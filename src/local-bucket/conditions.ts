import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import { unquote } from './service.js'
import type { ReplaceGuard } from './storage/object-table.js'
import type { ObjectRecord } from './storage/records.js'

/** Whether a client that asks for `object` has it already. Throws when a precondition fails. */
export function isNotModified(request: S3Request, object: ObjectRecord): boolean {
  const seconds = Math.floor(object.modifiedAt / 1000)
  const since = (name: string) => Date.parse(request.value(name) ?? '') / 1000
  const match = request.value('if-match')
  const noneMatch = request.value('if-none-match')
  if (match === undefined) {
    if (seconds > since('if-unmodified-since')) throw preconditionFailed('If-Unmodified-Since')
  } else if (!matches(match, object)) {
    throw preconditionFailed('If-Match')
  }
  // https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
  if (noneMatch !== undefined) return matches(noneMatch, object)
  return seconds <= since('if-modified-since')
}

/** What the request says of the object that it would replace. */
export function replaceGuard(request: S3Request): ReplaceGuard {
  const match = request.value('if-match')
  const noneMatch = request.value('if-none-match')
  if (noneMatch !== undefined && noneMatch !== '*') {
    throw new S3Error('NotImplemented', 'If-None-Match may only be * here')
  }
  return (existing) => {
    if (noneMatch !== undefined && existing !== undefined) throw preconditionFailed('If-None-Match')
    if (match === undefined) return
    if (existing === undefined) throw noSuchKey()
    if (!matches(match, existing)) throw preconditionFailed('If-Match')
  }
}

/** What a copy says of the object that is copied. */
export function checkCopySource(request: S3Request, source: ObjectRecord): void {
  const match = request.value('x-amz-copy-source-if-match')
  const noneMatch = request.value('x-amz-copy-source-if-none-match')
  const fails =
    (match !== undefined && !matches(match, source)) ||
    (noneMatch !== undefined && matches(noneMatch, source))
  if (fails) throw preconditionFailed('x-amz-copy-source-if-…')
}

export function noSuchKey(): S3Error {
  return new S3Error('NoSuchKey', 'The specified key does not exist')
}

function matches(list: string, { etag }: ObjectRecord): boolean {
  return list.split(',').some((one) => one.trim() === '*' || unquote(one) === etag)
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error(
    'PreconditionFailed',
    `At least one of the preconditions you specified did not hold: ${condition}`,
  )
}
