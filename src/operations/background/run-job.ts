import type { Job } from './job.js'
import type { Handlers } from './work-queue.js'

/** Gives the job to the handler of its kind. */
export async function runJob(handlers: Handlers, job: Job, signal: AbortSignal): Promise<void> {
  switch (job.kind) {
    case 'settle':
      return await handlers.settle?.run(job, signal)
    case 'deliver':
      return await handlers.deliver?.run(job, signal)
    case 'sweep':
      return await handlers.sweep?.run(job, signal)
    case 'janitor':
      return await handlers.janitor?.run(job, signal)
  }
}
