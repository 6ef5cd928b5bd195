import * as z from 'zod/mini'
import * as field from './fields.js'
import { S3_LIMITS } from './layout.js'
import type { Camel } from './wire-case.js'

export * from './list-reply.js'
export * from './replies.js'

/**
 * One schema per message, in the spelling of the wire. Requests, here, are strict: an unknown field is
 * refused, because it is most often a misspelt one.
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

export type InitRequest = Camel<z.infer<typeof initRequest>>
export type PartsRequest = Camel<z.infer<typeof partsRequest>>
export type StatusQuery = Camel<z.infer<typeof statusQuery>>
export type CompleteRequest = Camel<z.infer<typeof completeRequest>>
export type AbortRequest = Camel<z.infer<typeof abortRequest>>
export type ListQuery = Camel<z.infer<typeof listQuery>>
export type ReportedPart = Camel<z.infer<typeof reportedPart>>
export type PartToSign = Camel<z.infer<typeof partToSign>>
