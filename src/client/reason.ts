/** What a fault of the network says of itself. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // An attempt on several addresses fails with an empty text and the reasons inside.
  if (cause instanceof AggregateError && cause.message === '') {
    return [...new Set(cause.errors.map(reasonOf))].join('; ')
  }
  return cause.message
}
