import type { InitOutcome, Partway } from '../../coordinator/partway.js'
import { overlaid } from '../observed.js'
import type { Meter } from './meter.js'
import type { Stopwatch } from './timed-calls.js'

/** The same coordinator, of which inits and the work in the background are counted. */
export function meteredPartway(partway: Partway, meter: Meter, stopwatch: Stopwatch): Partway {
  return overlaid(partway, {
    init: async (caller, request) => {
      const outcome = await partway.init(caller, request)
      meter.count('partway_inits_total', { result: resultOf(outcome) })
      return outcome
    },
    due: async (limit) => {
      try {
        return await partway.due(limit)
      } catch (fault) {
        meter.count('partway_background_poll_errors_total', {})
        throw fault
      }
    },
    resume: async (ref, signal) => {
      const seconds = stopwatch()
      const done = (result: 'done' | 'failed' | 'stopped') =>
        meter.observe('partway_background_seconds', { result }, seconds())
      try {
        await partway.resume(ref, signal)
      } catch (fault) {
        done(signal?.aborted ? 'stopped' : 'failed')
        throw fault
      }
      done('done')
    },
  })
}

function resultOf({ created, reply }: InitOutcome): 'created' | 'resumed' | 'finished' {
  if (created) return 'created'
  return reply.state === 'uploading' ? 'resumed' : 'finished'
}
