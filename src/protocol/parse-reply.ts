import type * as z from 'zod/mini'
import type { Parsed } from './parse.js'
import { type Camel, toCamel } from './wire-case.js'

/**
 * As `parseMessage`, for who reads replies: it names the fields that are wrong and does not say how, and
 * so does without the texts, which a page would have to load.
 */
export function parseReply<S extends z.ZodMiniType>(
  schema: S,
  input: unknown,
): Parsed<Camel<z.output<S>>> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return { kind: 'ok', value: toCamel(parsed.data) }
  const errors = parsed.error.issues.map(({ path, message }) => ({
    field: path.map(String).join('.'),
    message,
  }))
  return { kind: 'invalid', errors }
}
