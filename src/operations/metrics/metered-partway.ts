import type { CleanUpReport } from '../../coordinator/clean-up.js'
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
    cleanUp: async (options) => {
      if (options?.isDryRun) return await partway.cleanUp(options)
      return await meteredRun(() => partway.cleanUp(options), meter, stopwatch)
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

/** A run of the janitor. */
async function meteredRun(
  run: () => Promise<CleanUpReport>,
  meter: Meter,
  stopwatch: Stopwatch,
): Promise<CleanUpReport> {
  const seconds = stopwatch()
  try {
    const report = await run()
    for (const outcome of ['expired', 'kept', 'failed'] as const) {
      meter.count('partway_janitor_uploads_total', { outcome }, report[outcome])
    }
    meter.count('partway_janitor_forgotten_total', {}, report.forgotten)
    meter.observe('partway_janitor_seconds', { result: 'done' }, seconds())
    meter.stamp('partway_janitor_last_run_timestamp_seconds')
    return report
  } catch (fault) {
    meter.observe('partway_janitor_seconds', { result: 'failed' }, seconds())
    throw fault
  }
}

function resultOf({ created, reply }: InitOutcome): 'created' | 'resumed' | 'finished' {
  if (created) return 'created'
  return reply.state === 'uploading' ? 'resumed' : 'finished'
}
