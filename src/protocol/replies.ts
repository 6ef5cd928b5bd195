import * as z from 'zod/mini'
import { CHECKSUM_MODES } from './checksum-mode.js'
import { state } from './upload-state.js'
import type { Camel } from './wire-case.js'

/**
 * The replies, in the spelling of the wire. They are not strict: an old client survives a new server.
 * In a file of their own, because bundlers drop whole files only: a page that reads replies does not
 * carry the rules of requests. For the same reason only few kinds of schema are used: each costs a page
 * some hundred bytes.
 */

/** In place of `z.int()`, which brings the bounds of every kind of number. */
const whole = z.number().check(z.refine(Number.isInteger))

/** A part whose bytes are in the bucket. */
export const uploadedPart = z.object({
  index: whole,
  size: whole,
  etag: z.string(),
  checksum: z.optional(z.string()),
})

/** Send `PUT url` with exactly `size` bytes and these headers, within `expires_in` seconds. */
export const signedPart = z.object({
  index: whole,
  size: whole,
  url: z.string(),
  headers: z.catchall(z.object({}), z.string()),
  expires_in: whole,
})

/**
 * The finished object, as the bucket itself described it after completion. `sha256` and `md5`, in hex, are
 * there when the object was read and had them.
 */
export const storedObject = z.object({
  bucket: z.string(),
  key: z.string(),
  size: whole,
  etag: z.string(),
  digest: z.optional(z.string()),
  version_id: z.optional(z.string()),
  sha256: z.optional(z.string()),
  md5: z.optional(z.string()),
})

const upload = {
  upload_id: z.string(),
  state,
  filename: z.string(),
  size: whole,
  chunk_size: whole,
  total_chunks: whole,
  uploaded: z.array(uploadedPart),
  checksum: z.enum(CHECKSUM_MODES),
  expires_in: whole,
  object: z.optional(storedObject),
}

export const statusReply = z.object(upload)

/** `relay` is the path, from where the other routes are, to which parts may be sent instead of the bucket. */
export const initReply = z.object({
  ...upload,
  parts: z.optional(z.array(signedPart)),
  relay: z.optional(z.string()),
})

export const partsReply = z.object({
  upload_id: z.string(),
  uploaded_count: whole,
  parts: z.array(signedPart),
})

export const completeReply = z.object({
  upload_id: z.string(),
  state: state,
  object: z.optional(storedObject),
})

export const abortReply = z.object({ upload_id: z.string(), state: state })

/** What was wrong with one field of a request. `field` is a path such as `sign.0.checksum`. */
export const fieldError = z.object({ field: z.string(), message: z.string() })

/** RFC 9457, with the numbers that a client needs to go on. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: whole,
  code: z.string(),
  detail: z.optional(z.string()),
  request_id: z.optional(z.string()),
  field: z.optional(z.string()),
  errors: z.optional(z.array(fieldError)),
  missing: z.optional(z.array(z.array(whole))),
  state: z.optional(state),
  min_chunk_size: z.optional(whole),
  max_chunk_size: z.optional(whole),
  max_size: z.optional(whole),
  total_chunks: z.optional(whole),
  limit: z.optional(z.string()),
  max: z.optional(whole),
  used: z.optional(whole),
  asked: z.optional(whole),
  retry_after_ms: z.optional(whole),
})

export type UploadedPart = Camel<z.infer<typeof uploadedPart>>
export type SignedPart = Camel<z.infer<typeof signedPart>>
export type StoredObject = Camel<z.infer<typeof storedObject>>
export type StatusReply = Camel<z.infer<typeof statusReply>>
export type InitReply = Camel<z.infer<typeof initReply>>
export type PartsReply = Camel<z.infer<typeof partsReply>>
export type CompleteReply = Camel<z.infer<typeof completeReply>>
export type AbortReply = Camel<z.infer<typeof abortReply>>
export type FieldError = Camel<z.infer<typeof fieldError>>
export type Problem = Camel<z.infer<typeof problem>>
