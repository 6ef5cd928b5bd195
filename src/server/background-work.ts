import type { Partway } from '../coordinator/partway.js'
import { BackgroundWork, type WebhookWork, type WorkQueue } from '../operations/index.js'
import type { ServerConfig } from './config.js'
import type { Log } from './logging.js'

interface Parts {
  readonly partway: Partway
  readonly queue: WorkQueue
  readonly webhooks: WebhookWork | undefined
  readonly log: Log
}

/** What a server does besides its requests. */
export function backgroundWork(
  { verifyConcurrency, janitorIntervalMs }: ServerConfig,
  { partway, queue, webhooks, log }: Parts,
): BackgroundWork {
  return new BackgroundWork({
    partway,
    queue,
    ...(webhooks && { webhooks }),
    concurrency: verifyConcurrency,
    janitorMs: janitorIntervalMs,
    onClean: (report) => {
      const isIdle = Object.values(report).every((count) => count === 0)
      log[isIdle ? 'debug' : 'info']({ event: 'janitor.run', ...report })
    },
    onCleanFault: ({ id }, err) => log.warn({ event: 'janitor.fault', uploadId: id, err }),
    // Not louder: what could not be told is found by the next sweep, and that Redis is away is told once.
    onQueueFault: (err) => log.debug({ event: 'queue.fault', err }),
  })
}
