import * as z from 'zod/mini'
import type { Parsed } from '../../../src/protocol/index.js'
import * as messages from '../../../src/protocol/messages.js'

/** Every schema of the contract, by name. */
export const MESSAGES = Object.entries(messages)

export const REQUESTS = MESSAGES.filter(([name]) => /(Request|Query)$/.test(name))

/** What becomes of a schema: `object` for each object, `list`, `map` and `leaf` for what it is made of. */
export interface Fold<T> {
  object(fields: ReadonlyMap<string, T>): T
  list(item: T): T
  optional(value: T): T
  /** Keys are the user's own. */
  map(): T
  leaf(schema: z.core.$ZodType): T
}

export function fold<T>(schema: z.core.$ZodType, by: Fold<T>): T {
  if (schema instanceof z.ZodMiniObject) {
    const fields = Object.entries<z.core.$ZodType>(schema.shape)
    return by.object(new Map(fields.map(([name, field]) => [name, fold(field, by)])))
  }
  if (schema instanceof z.ZodMiniArray) return by.list(fold(schema._zod.def.element, by))
  if (schema instanceof z.ZodMiniOptional) {
    return by.optional(fold(schema._zod.def.innerType, by))
  }
  return schema instanceof z.ZodMiniRecord ? by.map() : by.leaf(schema)
}

/** The fields that are complained of; `undefined` when there is nothing to complain of. */
export function refusedFields(parsed: Parsed<unknown>): string[] | undefined {
  return parsed.kind === 'ok' ? undefined : parsed.errors.map((error) => error.field)
}
