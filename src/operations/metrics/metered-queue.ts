import { JOB_KINDS } from '../background/job.js'
import type { WorkQueue } from '../background/work-queue.js'
import type { Meter } from './meter.js'

/** Asked when somebody wants to know. What cannot be asked is not told, rather than as it was. */
export function meteredQueue(queue: Pick<WorkQueue, 'waiting'>, meter: Meter): void {
  meter.beforeRead('partway_jobs_waiting', async () => {
    const waiting = await queue.waiting().catch(() => undefined)
    if (waiting === undefined) return meter.forget('partway_jobs_waiting')
    for (const kind of JOB_KINDS) meter.set('partway_jobs_waiting', { kind }, waiting[kind])
  })
}
