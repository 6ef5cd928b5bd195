import { describe, expect, it } from 'vitest'
import {
  ERROR_STATUS,
  ERROR_TITLE,
  type ErrorCode,
  isErrorCode,
  problemType,
} from '../../../src/protocol/index.js'

const CODES = Object.keys(ERROR_STATUS).filter(isErrorCode)

/** The families of the contract (docs: errors); a code that moves to another status breaks clients. */
const STATUS: Record<ErrorCode, number> = {
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
}

describe('the table of errors', () => {
  it('keeps the status of every code', () => {
    expect(ERROR_STATUS).toEqual(STATUS)
  })

  it('has a title for every code, and for no other', () => {
    expect(Object.keys(ERROR_TITLE).sort()).toEqual([...CODES].sort())
    for (const title of Object.values(ERROR_TITLE)) expect(title).toMatch(/^[A-Z].*[^.]$/)
  })

  it('gives each code its own title and type', () => {
    expect(new Set(Object.values(ERROR_TITLE)).size).toBe(CODES.length)
    expect(new Set(CODES.map(problemType)).size).toBe(CODES.length)
  })

  it('names types that are URIs', () => {
    expect(problemType('PARTS_MISSING')).toBe('urn:partway:problem:parts-missing')
    for (const code of CODES) expect(problemType(code)).toMatch(/^urn:partway:problem:[a-z-]+$/)
  })

  it.each(['', 'parts_missing', 'toString', '__proto__', 'FROM_A_NEWER_SERVER'])(
    'does not know the code %j',
    (code) => {
      expect(isErrorCode(code)).toBe(false)
    },
  )
})
