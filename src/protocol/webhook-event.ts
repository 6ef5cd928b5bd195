import * as z from 'zod/mini'
import { CHECKSUM_MODES } from './checksum-mode.js'
import { storedObject } from './replies.js'
import { state } from './upload-state.js'
import type { Camel } from './wire-case.js'

/** What can happen to an upload that others are told of. */
export const EVENT_TYPES = [
  'upload.completed',
  'upload.failed',
  'upload.aborted',
  'upload.expired',
  'upload.verified',
] as const

export type EventType = (typeof EVENT_TYPES)[number]

/**
 * The body of a webhook, in the form that https://www.standardwebhooks.com advises. Not strict: a receiver survives a
 * newer server.
 */
export const webhookEvent = z.object({
  type: z.enum(EVENT_TYPES),
  /** When it happened, as in RFC 3339. */
  timestamp: z.string(),
  data: z.object({
    upload_id: z.string(),
    owner: z.string(),
    /** What the upload became in the step that the event tells of. */
    state,
    filename: z.string(),
    size: z.int(),
    checksum: z.enum(CHECKSUM_MODES),
    content_type: z.optional(z.string()),
    metadata: z.optional(z.record(z.string(), z.string())),
    /** The object that is there now; only with `completed` and `verified`. */
    object: z.optional(storedObject),
  }),
})

export type WebhookEvent = Camel<z.infer<typeof webhookEvent>>
