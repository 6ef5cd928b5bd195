import * as z from 'zod/mini'
import { CHECKSUM_MODES } from './checksum-mode.js'
import { state } from './upload-state.js'
import type { Camel } from './wire-case.js'

/** Apart from the other replies: the client of a page asks for no list. */

export const listedUpload = z.object({
  upload_id: z.string(),
  filename: z.string(),
  size: z.int(),
  chunk_size: z.int(),
  total_chunks: z.int(),
  uploaded_count: z.int(),
  checksum: z.enum(CHECKSUM_MODES),
  state: state,
  expires_in: z.int(),
})

export const listReply = z.object({
  uploads: z.array(listedUpload),
  next_cursor: z.optional(z.string()),
})

export type ListedUpload = Camel<z.infer<typeof listedUpload>>
export type ListReply = Camel<z.infer<typeof listReply>>
