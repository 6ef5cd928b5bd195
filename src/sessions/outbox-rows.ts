import * as z from 'zod/mini'
import { EVENT_TYPES } from '../protocol/index.js'

/** How both stores keep an event: what is written once, and what changes. */

export const eventSchema = z.object({
  type: z.enum(EVENT_TYPES),
  createdAt: z.int(),
  payload: z.string(),
})

/** Times in milliseconds since the epoch. */
export const deliverySchema = z.object({
  state: z.enum(['waiting', 'dead']),
  /** While it is claimed, the end of the lease. */
  dueAt: z.int(),
  attempts: z.int(),
  /** Of the latest claim. */
  fence: z.int(),
  keepUntil: z.int(),
  /** Why the latest attempt failed. */
  reason: z.nullish(z.string()),
})

export const refSchema = z.object({ owner: z.string(), id: z.string(), target: z.string() })
