/** A reply to a signed URL that is not a success; told apart by its status, as the SDK's errors are. */
export class StatusError extends Error {
  readonly $metadata: { readonly httpStatusCode: number }

  constructor(name: string, status: number) {
    super(`${name} was answered ${status}`)
    this.name = name
    this.$metadata = { httpStatusCode: status }
  }
}

/** Statuses by which a bucket says that it does not do what was asked, rather than not now or not you. */
const REFUSALS = new Set([400, 405, 422, 501])

/** Errors of such a status that are about the moment, not about what was asked. */
const PASSING = new Set(['ExpiredToken', 'InvalidToken', 'RequestTimeout', 'IncompleteBody'])

/** Whether the bucket refused a call for what it is. Anything else that throws is a fault. */
export function isRefusal(error: unknown): boolean {
  const status = statusOf(error)
  if (status === undefined || !REFUSALS.has(status)) return false
  return !(error instanceof Error && PASSING.has(error.name))
}

export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const { $metadata } = error
  if (typeof $metadata !== 'object' || $metadata === null) return undefined
  if (!('httpStatusCode' in $metadata)) return undefined
  const { httpStatusCode } = $metadata
  return typeof httpStatusCode === 'number' ? httpStatusCode : undefined
}
