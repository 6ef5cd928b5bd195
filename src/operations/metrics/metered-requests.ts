import type { ErrorCode, RouteName } from '../../protocol/index.js'
import type { Meter } from './meter.js'
import { LIMITS, OTHER } from './series.js'
import type { Stopwatch } from './timed-calls.js'

/** How a request ended. */
export interface RequestEnd {
  /** Of the reply. */
  readonly status: number
  /** Whether the caller was gone before the whole reply was sent. */
  readonly isCutOff: boolean
  readonly code?: ErrorCode
  /** The name of the limit that refused it. */
  readonly limit?: string
}

/** The option `meter` of `createRouter`. */
export interface MeteredRequests {
  begin(route: RouteName | typeof OTHER): (end: RequestEnd) => void
}

export function meteredRequests(meter: Meter, stopwatch: Stopwatch): MeteredRequests {
  return {
    begin: (route) => {
      const seconds = stopwatch()
      return ({ status, isCutOff, code, limit }) => {
        const kind = isCutOff ? 'cut_off' : (CLASSES[Math.floor(status / 100)] ?? OTHER)
        meter.observe('partway_http_request_seconds', { route, status: kind }, seconds())
        if (code === undefined) return
        meter.count('partway_refusals_total', { code })
        const refusing = limit ?? (code === 'TOO_MANY_REQUESTS' ? 'calls' : undefined)
        if (refusing === undefined) return
        const known = LIMITS.find((name) => name === refusing) ?? OTHER
        meter.count('partway_limit_refusals_total', { limit: known })
      }
    },
  }
}

const CLASSES: Readonly<Record<number, '2xx' | '3xx' | '4xx' | '5xx'>> = {
  2: '2xx',
  3: '3xx',
  4: '4xx',
  5: '5xx',
}
