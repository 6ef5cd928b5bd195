import {
  type FoundService,
  type Log,
  type Service,
  type Way,
  type WayOutcome,
  WrongSettingError,
} from './service.js'

export interface Attempt {
  readonly way: string
  readonly reason: string
}

export type Discovery =
  | { readonly kind: 'found'; readonly service: Service; readonly found: FoundService }
  | { readonly kind: 'missing'; readonly service: Service; readonly attempts: readonly Attempt[] }

/**
 * Tries the ways in their order; the first that has the service wins. Why each earlier one had not is
 * logged, because a test run against another server than one thinks is worse than none.
 */
export async function discover(
  service: Service,
  ways: readonly Way[],
  log: Log,
): Promise<Discovery> {
  const attempts: Attempt[] = []
  for (const way of ways) {
    const outcome = await attempt(way, service)
    if (outcome.kind === 'found') {
      log(`${service.title}: ${way.name}`)
      return { kind: 'found', service, found: outcome }
    }
    log(`${service.title}: not by ${way.name}: ${outcome.reason}`)
    attempts.push({ way: way.name, reason: outcome.reason })
  }
  return { kind: 'missing', service, attempts }
}

async function attempt(way: Way, service: Service): Promise<WayOutcome> {
  try {
    return await way.find(service)
  } catch (error) {
    if (error instanceof WrongSettingError) throw error
    return { kind: 'unavailable', reason: reasonOf(error) }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return `${error.message}${cause}`
}
