import { type Around, methodNames } from '../observed.js'
import type { Meter } from './meter.js'

/** Gives the seconds since it was started. */
export type Stopwatch = () => () => number

interface Timed {
  readonly port: object
  readonly of: 'bucket' | 'store'
}

/** Measures each call, and counts those that fail. */
export function timedCalls(meter: Meter, stopwatch: Stopwatch, { port, of }: Timed): Around {
  const errors = `partway_${of}_errors_total` as const
  for (const operation of methodNames(port)) meter.count(errors, { operation }, 0)
  return async (operation, call) => {
    const seconds = stopwatch()
    try {
      return await call()
    } catch (fault) {
      meter.count(errors, { operation })
      throw fault
    } finally {
      meter.observe(`partway_${of}_call_seconds`, { operation }, seconds())
    }
  }
}
