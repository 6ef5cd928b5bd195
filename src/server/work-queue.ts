import type { Clock } from '../coordinator/ports.js'
import {
  InProcessQueue,
  type Job,
  openBullQueue,
  type QueueEvents,
  type WorkQueue,
} from '../operations/index.js'
import type { ServerConfig } from './config.js'
import type { Log } from './logging.js'
import { redisKeyPrefix } from './store.js'

/** Where the sessions are, so that servers that share those share the work. */
export async function openWorkQueue(
  { store, bucket }: Pick<ServerConfig, 'store' | 'bucket'>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<WorkQueue> {
  const events = jobFaults(log)
  if (store.kind === 'sqlite') return new InProcessQueue(events)
  const { queueConnection } = await import('../sessions/redis/index.js')
  const { connect, keyPrefix } = queueConnection(store.url)
  return await openBullQueue({
    ...events,
    clock,
    prefix: `${keyPrefix}{${redisKeyPrefix(bucket.name)}queue}`,
    connect,
    onFault: (err) => log.warn({ event: 'queue.fault', err }),
  })
}

function jobFaults(log: Log): QueueEvents {
  return {
    onJobFault: (job, err) => log.warn({ ...lineOf(job), err }),
  }
}

function lineOf(job: Job): Readonly<Record<string, string>> {
  switch (job.kind) {
    case 'settle':
      return { event: 'work.fault', uploadId: job.id }
    case 'deliver':
      return { event: 'webhook.fault', webhookId: job.id, endpoint: job.target }
    case 'sweep':
      return { event: 'work.fault' }
    case 'janitor':
      return { event: 'janitor.fault' }
  }
}
