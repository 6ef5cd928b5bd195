import { S3Error } from './s3-error.js'
import type { ByteRange } from './storage/blobs.js'

/**
 * The bytes that a header `Range` asks for of an object of `size` bytes; `undefined` for all of them, also when
 * it is not understood (https://www.rfc-editor.org/rfc/rfc9110#section-14.2). Several ranges are not: S3 has
 * none either.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  const range = first === '' ? suffix(Number(last), size) : span(Number(first), last, size)
  if (range !== undefined && range.start > range.end) return undefined
  if (range !== undefined && range.start < size) return range
  throw new S3Error('InvalidRange', 'The requested range is not satisfiable')
}

function suffix(length: number, size: number): ByteRange | undefined {
  return length === 0 || size === 0
    ? undefined
    : { start: Math.max(size - length, 0), end: size - 1 }
}

function span(start: number, last: string, size: number): ByteRange | undefined {
  if (start >= size) return undefined
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}
