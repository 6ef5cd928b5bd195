import * as z from 'zod/mini'
import { CHECKSUM_MODES } from './checksum-mode.js'
import * as field from './fields.js'
import { S3_LIMITS } from './layout.js'
import type { Camel } from './wire-case.js'

/**
 * One schema per message, in the spelling of the wire. Requests are strict: an unknown field is
 * refused, because it is most often a misspelt one. Replies are not: an old client survives a new
 * server.
 */

export const initRequest = z.strictObject({
  filename: field.filename,
  size: field.size,
  chunk_size: z.optional(field.size),
  digest: z.optional(field.checksum),
  file_hash: z.optional(field.fileHash),
  fingerprint: z.optional(field.fingerprint),
  content_type: z.optional(field.contentType),
  metadata: z.optional(field.metadata),
  checksum: z.optional(field.checksumMode),
  sign: z.optional(
    z.union([z.literal('all'), z.int().check(z.gte(1), z.lte(S3_LIMITS.maxParts))], {
      error: `must be "all" or a number from 1 to ${S3_LIMITS.maxParts}`,
    }),
  ),
})

export const reportedPart = z.strictObject({
  index: field.index,
  etag: field.etag,
  checksum: z.optional(field.checksum),
})

export const partToSign = z.strictObject({
  index: field.index,
  checksum: z.optional(field.checksum),
})

const reportedParts = z.array(reportedPart).check(z.maxLength(S3_LIMITS.maxParts))

export const partsRequest = z.strictObject({
  upload_id: field.uploadId,
  uploaded: z.optional(reportedParts),
  sign: z.optional(z.array(partToSign).check(z.maxLength(S3_LIMITS.maxParts))),
})

export const statusQuery = z.strictObject({
  upload_id: field.uploadId,
  reconcile: z.optional(z.enum(['true', 'false'])),
})

export const completeRequest = z.strictObject({
  upload_id: field.uploadId,
  digest: z.optional(field.checksum),
  expected_hash: z.optional(field.fileHash),
  parts: z.optional(reportedParts),
})

export const abortRequest = z.strictObject({ upload_id: field.uploadId })

export const listQuery = z.strictObject({
  state: z.optional(field.state),
  cursor: z.optional(z.string().check(z.maxLength(256), z.regex(/^[A-Za-z0-9_-]+$/))),
  limit: z.optional(z.string().check(z.regex(/^([1-9][0-9]?|100)$/, 'must be from 1 to 100'))),
})

/** A part whose bytes are in the bucket. */
export const uploadedPart = z.object({
  index: z.int(),
  size: z.int(),
  etag: z.string(),
  checksum: z.optional(z.string()),
})

/** Send `PUT url` with exactly `size` bytes and these headers, within `expires_in` seconds. */
export const signedPart = z.object({
  index: z.int(),
  size: z.int(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  expires_in: z.int(),
})

/**
 * The finished object, as the bucket itself described it after completion. `sha256` and `md5`, in hex, are
 * there when the object was read and had them.
 */
export const storedObject = z.object({
  bucket: z.string(),
  key: z.string(),
  size: z.int(),
  etag: z.string(),
  digest: z.optional(z.string()),
  version_id: z.optional(z.string()),
  sha256: z.optional(z.string()),
  md5: z.optional(z.string()),
})

export const statusReply = z.object({
  upload_id: z.string(),
  state: field.state,
  filename: z.string(),
  size: z.int(),
  chunk_size: z.int(),
  total_chunks: z.int(),
  uploaded: z.array(uploadedPart),
  checksum: z.enum(CHECKSUM_MODES),
  expires_in: z.int(),
  object: z.optional(storedObject),
})

export const initReply = z.extend(statusReply, { parts: z.optional(z.array(signedPart)) })

export const partsReply = z.object({
  upload_id: z.string(),
  uploaded_count: z.int(),
  parts: z.array(signedPart),
})

export const completeReply = z.object({
  upload_id: z.string(),
  state: field.state,
  object: z.optional(storedObject),
})

export const abortReply = z.object({ upload_id: z.string(), state: field.state })

export const listedUpload = z.object({
  upload_id: z.string(),
  filename: z.string(),
  size: z.int(),
  chunk_size: z.int(),
  total_chunks: z.int(),
  uploaded_count: z.int(),
  checksum: z.enum(CHECKSUM_MODES),
  state: field.state,
  expires_in: z.int(),
})

export const listReply = z.object({
  uploads: z.array(listedUpload),
  next_cursor: z.optional(z.string()),
})

/** What was wrong with one field of a request. `field` is a path such as `sign.0.checksum`. */
export const fieldError = z.object({ field: z.string(), message: z.string() })

/** RFC 9457, with the numbers that a client needs to go on. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.optional(z.string()),
  request_id: z.optional(z.string()),
  field: z.optional(z.string()),
  errors: z.optional(z.array(fieldError)),
  missing: z.optional(z.array(z.tuple([z.int(), z.int()]))),
  state: z.optional(field.state),
  min_chunk_size: z.optional(z.int()),
  max_chunk_size: z.optional(z.int()),
  max_size: z.optional(z.int()),
  total_chunks: z.optional(z.int()),
  retry_after_ms: z.optional(z.int()),
})

export type InitRequest = Camel<z.infer<typeof initRequest>>
export type PartsRequest = Camel<z.infer<typeof partsRequest>>
export type StatusQuery = Camel<z.infer<typeof statusQuery>>
export type CompleteRequest = Camel<z.infer<typeof completeRequest>>
export type AbortRequest = Camel<z.infer<typeof abortRequest>>
export type ListQuery = Camel<z.infer<typeof listQuery>>
export type ReportedPart = Camel<z.infer<typeof reportedPart>>
export type PartToSign = Camel<z.infer<typeof partToSign>>
export type UploadedPart = Camel<z.infer<typeof uploadedPart>>
export type SignedPart = Camel<z.infer<typeof signedPart>>
export type StoredObject = Camel<z.infer<typeof storedObject>>
export type StatusReply = Camel<z.infer<typeof statusReply>>
export type InitReply = Camel<z.infer<typeof initReply>>
export type PartsReply = Camel<z.infer<typeof partsReply>>
export type CompleteReply = Camel<z.infer<typeof completeReply>>
export type AbortReply = Camel<z.infer<typeof abortReply>>
export type ListedUpload = Camel<z.infer<typeof listedUpload>>
export type ListReply = Camel<z.infer<typeof listReply>>
export type FieldError = Camel<z.infer<typeof fieldError>>
export type Problem = Camel<z.infer<typeof problem>>
