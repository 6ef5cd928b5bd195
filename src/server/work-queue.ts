import type { Clock } from '../coordinator/ports.js'
import {
  InProcessQueue,
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
    onJobFault: (job, err) => {
      const event = job.kind === 'janitor' ? 'janitor.fault' : 'work.fault'
      log.warn({ event, ...(job.kind === 'settle' && { uploadId: job.id }), err })
    },
  }
}
