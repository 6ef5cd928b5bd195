import type * as z from 'zod/mini'
import {
  EVENT_TYPES,
  type EventType,
  type StoredObject,
  toWire,
  type WebhookEvent,
  type webhookEvent,
} from '../protocol/index.js'
import type { Context } from './context.js'
import { unprovenHashes } from './file-hash.js'
import type { EventRef, OutboxEvent } from './outbox-port.js'
import type { Upload, UploadDraft } from './session.js'
import type { SettleStep } from './store-port.js'

/** Which events are written, and for whom. */
export interface EventSettings {
  /** The receivers: a name for each, of 1 to 64 letters, digits, `-` and `_`. */
  readonly targets: readonly string[]
  /** @default all */
  readonly types?: readonly EventType[]
  /**
   * How long an event is kept that nobody could be told of, in milliseconds.
   * @default 90 days
   */
  readonly keepMs?: number
  /** Told of each event when it has been written, so that it need not be looked for. Must not throw. */
  readonly onEvent?: (ref: EventRef) => void
}

/** How long an event is kept that nobody could be told of, in milliseconds. */
export const KEEP_EVENTS_MS = 90 * 24 * 60 * 60 * 1000

/** An upload as its claim gave it: what it was before it is settled. */
export type Settling = UploadDraft &
  Pick<Upload, 'fileHash' | 'expectedHash' | 'standing' | 'object'>

type End = Pick<SettleStep, 'to' | 'now' | 'object'>

/** What is to be told of a step, for each receiver. */
export function eventsOf(context: Context, upload: Settling, step: End): readonly OutboxEvent[] {
  const { events, random } = context
  if (events === undefined) return []
  const { targets, types = EVENT_TYPES, keepMs = KEEP_EVENTS_MS } = events
  return happened(upload, step)
    .filter((type) => types.includes(type))
    .flatMap((type) => {
      const id = random.eventId()
      const payload = payloadOf(upload, { ...step, type })
      const event = { owner: upload.owner, id, type, payload, createdAt: step.now }
      return targets.map((target) => ({ ...event, target, keepUntil: step.now + keepMs }))
    })
}

/** What has happened with that step. What stood already is not told again. */
function happened(upload: Settling, { to, object }: End): readonly EventType[] {
  switch (to) {
    case 'uploading':
    case 'verifying':
      return []
    case 'completed':
      return [
        ...(upload.standing ? [] : (['upload.completed'] as const)),
        ...(object !== undefined && isNewlyVerified(upload, object)
          ? (['upload.verified'] as const)
          : []),
      ]
    default:
      return [`upload.${to}`]
  }
}

function isNewlyVerified(upload: Settling, object: StoredObject): boolean {
  const isAsked = upload.fileHash !== undefined || upload.expectedHash !== undefined
  if (!isAsked || unprovenHashes(upload, object).length > 0) return false
  const { standing, object: before } = upload
  return !standing || before === undefined || unprovenHashes(upload, before).length > 0
}

function payloadOf(
  upload: Settling,
  { type, to, now, object }: End & { readonly type: EventType },
): string {
  const { id, owner, filename, size, checksum, contentType, metadata } = upload
  const event: WebhookEvent = {
    type,
    timestamp: new Date(now).toISOString(),
    data: {
      uploadId: id,
      owner,
      state: to,
      filename,
      size,
      checksum,
      ...(contentType !== undefined && { contentType }),
      ...(metadata !== undefined && { metadata }),
      ...(to === 'completed' && object !== undefined && { object }),
    },
  }
  return JSON.stringify(toWire<z.infer<typeof webhookEvent>>(event))
}
