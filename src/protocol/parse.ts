import { en } from 'zod/locales'
import type * as z from 'zod/mini'
import type { FieldError } from './messages.js'
import { type Camel, toCamel } from './wire-case.js'

export type Parsed<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] }

/** A message has up to 20,000 parts; nobody reads as many errors. */
const MAX_ERRORS = 20

// zod/mini has no texts of its own, and to configure them globally would be an effect at import.
const { localeError } = en()

/** Checks `input` against a message's schema and gives its camelCase form, or what is wrong, by field. */
export function parseMessage<S extends z.ZodMiniType>(
  schema: S,
  input: unknown,
): Parsed<Camel<z.output<S>>> {
  const parsed = schema.safeParse(input, { error: localeError })
  if (parsed.success) return { kind: 'ok', value: toCamel(parsed.data) }
  return { kind: 'invalid', errors: parsed.error.issues.flatMap(fieldErrors).slice(0, MAX_ERRORS) }
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), message: 'is not known' }))
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues.map((inner) => inner.message).join('; ')
    return [{ field: path.join('.'), message: `key ${message}` }]
  }
  return [{ field: path.join('.'), message: issue.message }]
}
