const MAX_DEPTH = 5
const MAX_TEXT = 4_000

export interface DescribedError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: DescribedError
  readonly errors?: readonly DescribedError[]
}

/**
 * What may be written of an error: an allow-list, because the errors of SDKs carry whole requests and
 * replies, with credentials and signed URLs, in properties of their own.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { name: typeof error, message: scrub(String(error)) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const within = depth < MAX_DEPTH
  return {
    name: error.name,
    message: scrub(error.message),
    ...(code === undefined ? {} : { code }),
    ...(error.stack === undefined ? {} : { stack: scrub(error.stack) }),
    ...(within && error.cause !== undefined
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
    ...(within && error instanceof AggregateError
      ? { errors: error.errors.slice(0, 3).map((inner) => describeError(inner, depth + 1)) }
      : {}),
  }
}

/** Texts of errors quote addresses; what is after the host may be a signature, what is before, a password. */
function scrub(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .replace(/\b(https?|rediss?):\/\/[^\s"'<>)]*/gi, (_, scheme) => `${scheme}://…`)
}
