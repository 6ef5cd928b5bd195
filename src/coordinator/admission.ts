import type { ErrorCode } from '../protocol/index.js'
import type { Limits } from './limits.js'
import type { Exceeded, OverBudget, UsageLimits } from './ports.js'
import { sizeInWords } from './size-in-words.js'
import { essence } from './stored-as.js'
import { fieldRefusal, UploadError, type UploadErrorDetails } from './upload-error.js'
import { untilNextDay } from './usage.js'

/** What of a file can be told from its declaration alone. */
export interface DeclaredFile {
  readonly filename: string
  readonly size: number
  readonly contentType?: string
}

interface Objection {
  readonly code: ErrorCode
  readonly field: string
  readonly rule: string
  readonly details?: UploadErrorDetails
}

/** Throws when the caller may not have such a file. Nothing is asked of the store or the bucket. */
export function admit(limits: Limits, file: DeclaredFile): void {
  const objection = objectionTo(limits, file)
  if (objection !== undefined) throw refusal(objection)
}

/** The file is larger than the caller's limit, or than the bucket takes. */
export function tooLarge(size: number, max: number): UploadError {
  return refusal(sizeObjection(size, max))
}

function refusal({ code, field, rule, details }: Objection): UploadError {
  return fieldRefusal(code, field, rule, details)
}

/** The same of an upload that is under way: the caller's limits may be others since. */
export function admitStill(limits: Limits, file: DeclaredFile): void {
  const objection = objectionTo(limits, file)
  if (objection === undefined) return
  const { code, field, rule, details } = objection
  throw new UploadError(code, `The upload is not allowed any more: ${field} ${rule}`, details)
}

function objectionTo(limits: Limits, file: DeclaredFile): Objection | undefined {
  const { maxFileSize = file.size } = limits
  if (file.size > maxFileSize) return sizeObjection(file.size, maxFileSize)
  return typeObjection(limits, file) ?? nameObjection(limits, file)
}

function sizeObjection(size: number, max: number): Objection {
  const rule = `must be at most ${sizeInWords(max)} (${max} bytes), but is ${sizeInWords(size)}`
  return {
    code: 'FILE_TOO_LARGE',
    field: 'size',
    rule,
    details: { maxSize: max, limit: 'max_file_size', max, asked: size },
  }
}

function typeObjection({ allowedTypes }: Limits, { contentType }: DeclaredFile) {
  if (allowedTypes === undefined) return undefined
  const type = essence(contentType ?? 'application/octet-stream')
  const fits = (pattern: string) =>
    pattern === '*/*' ||
    (pattern.endsWith('/*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern)
  if (allowedTypes.some((pattern) => fits(pattern.toLowerCase()))) return undefined
  const rule = `must be one of ${allowedTypes.join(', ')}`
  return { code: 'TYPE_NOT_ALLOWED', field: 'content_type', rule } as const
}

function nameObjection({ allowedExtensions }: Limits, { filename }: DeclaredFile) {
  if (allowedExtensions === undefined) return undefined
  const name = filename.toLowerCase()
  const fits = (extension: string) =>
    extension === '*' || name.endsWith(`.${extension.toLowerCase()}`)
  if (allowedExtensions.some(fits)) return undefined
  const rule = `must end with one of ${allowedExtensions.map((one) => `.${one}`).join(', ')}`
  return { code: 'TYPE_NOT_ALLOWED', field: 'filename', rule } as const
}

/** When there may be room again, where that depends on when other uploads end, in ms. */
const ROOM_AFTER_MS = 10_000

const WIRE_NAMES: Readonly<Record<keyof UsageLimits, string>> = {
  maxOpenUploads: 'max_open_uploads',
  maxReservedBytes: 'max_reserved_bytes',
  maxStoredBytes: 'max_stored_bytes',
  maxUploadsPerDay: 'max_uploads_per_day',
}

/** 429 where there will be room again by itself, 413 where there will not. */
export function overLimit({ limit, max, used, asked }: Exceeded, now: number): UploadError {
  const numbers = { limit: WIRE_NAMES[limit], max, used, asked }
  const [most, taken, wanted] = [max, used, asked].map(sizeInWords)
  switch (limit) {
    case 'maxOpenUploads':
      return new UploadError(
        'LIMIT_REACHED',
        `You may have ${uploads(max)} under way at once, and have ${used}; finish or abort one first.`,
        { ...numbers, retryAfterMs: ROOM_AFTER_MS },
      )
    case 'maxUploadsPerDay':
      return new UploadError(
        'LIMIT_REACHED',
        `You may begin ${uploads(max)} a day, and have begun ${used}; a new day begins at midnight UTC.`,
        { ...numbers, retryAfterMs: untilNextDay(now) },
      )
    case 'maxReservedBytes': {
      const words = `Your uploads under way may have ${most} in all, and have ${taken}; this one has ${wanted}.`
      if (asked > max) return new UploadError('QUOTA_EXCEEDED', words, numbers)
      return new UploadError('LIMIT_REACHED', `${words} Finish or abort one first.`, {
        ...numbers,
        retryAfterMs: ROOM_AFTER_MS,
      })
    }
    case 'maxStoredBytes':
      return new UploadError(
        'QUOTA_EXCEEDED',
        `You may store ${most}, of which ${taken} are taken, uploads under way included; this one has ${wanted}.`,
        numbers,
      )
  }
}

function uploads(count: number): string {
  return count === 1 ? '1 upload' : `${count} uploads`
}

export function overBudget({ used, max }: OverBudget, asked: number, now: number): UploadError {
  return new UploadError(
    'TOO_MANY_REQUESTS',
    `${used} URLs were signed for this upload today, of at most ${max}; a new day begins at midnight UTC.`,
    { limit: 'sign_budget', max, used, asked, retryAfterMs: untilNextDay(now) },
  )
}
