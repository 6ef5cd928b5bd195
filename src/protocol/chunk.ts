import * as z from 'zod/mini'
import * as field from './fields.js'
import type { Camel } from './wire-case.js'

/** The query with which a part is sent through the server, see `ROUTES.chunk`. */
export const chunkQuery = z.strictObject({
  upload_id: field.uploadId,
  index: z.string().check(z.regex(/^[1-9][0-9]{0,4}$/, 'must be the number of a part, from 1')),
  content_hash: field.fileHash,
})

/** The part is in the bucket and recorded. */
export const chunkReply = z.object({
  upload_id: z.string(),
  index: z.int(),
  size: z.int(),
  etag: z.string(),
  checksum: z.optional(z.string()),
  uploaded_count: z.int(),
  total_chunks: z.int(),
})

export type ChunkQuery = Camel<z.infer<typeof chunkQuery>>
export type ChunkReply = Camel<z.infer<typeof chunkReply>>
