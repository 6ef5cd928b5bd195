import * as z from 'zod/mini'
import type { EventRef, OutboxEvent } from '../../coordinator/ports.js'
import { deliverySchema, eventSchema, refSchema } from '../outbox-rows.js'

/** Events as the scripts have them. A name is one to one with a receiver and an id within an owner. */

export function nameOf({ target, id }: Pick<EventRef, 'target' | 'id'>): string {
  return `${target}:${id}`
}

export function refOfName(owner: string, name: string): EventRef {
  const end = name.indexOf(':')
  return { owner, target: name.slice(0, end), id: name.slice(end + 1) }
}

/** What `settle` is told of them. */
export function encodeTold(events: readonly OutboxEvent[], now: number): string {
  if (events.length === 0) return ''
  const told = events.map((event) => {
    const { type, createdAt, payload, keepUntil } = event
    const delivery = { state: 'waiting', dueAt: createdAt, attempts: 0, fence: 0, keepUntil }
    const fixed = JSON.stringify({ type, createdAt, payload })
    return [nameOf(event), fixed, JSON.stringify(delivery), Math.max(1, keepUntil - now)]
  })
  return JSON.stringify(told)
}

export type Delivery = z.infer<typeof deliverySchema>

export function decodeDelivery(json: string): Delivery {
  return deliverySchema.parse(JSON.parse(json))
}

export function decodeEvent(ref: EventRef, json: string, { keepUntil }: Delivery): OutboxEvent {
  return { ...ref, ...eventSchema.parse(JSON.parse(json)), keepUntil }
}

/** The name of an event among those of all owners, one to one. */
export function memberOf({ owner, id, target }: EventRef): string {
  return JSON.stringify([owner, id, target])
}

const memberSchema = z.tuple([z.string(), z.string(), z.string()])

export function refOfMember(member: string): EventRef {
  const [owner, id, target] = memberSchema.parse(JSON.parse(member))
  return refSchema.parse({ owner, id, target })
}
