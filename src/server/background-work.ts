import type { Partway } from '../coordinator/partway.js'
import { BackgroundWorker, Janitor } from '../operations/index.js'
import type { ServerConfig } from './config.js'
import type { Log } from './logging.js'

/** What a server does besides its requests. */
export interface BackgroundWork {
  readonly worker: BackgroundWorker
  readonly janitor: Janitor
}

/** `undefined` where that is left to other servers. */
export function backgroundWork(
  { verifyConcurrency, janitorIntervalMs }: ServerConfig,
  { partway, log }: { readonly partway: Partway; readonly log: Log },
): BackgroundWork | undefined {
  if (verifyConcurrency === 0) return undefined
  const worker = new BackgroundWorker({
    partway,
    concurrency: verifyConcurrency,
    onFault: ({ id }, err) => log.warn({ event: 'work.fault', uploadId: id, err }),
    onPollFault: (err) => log.warn({ event: 'work.fault', err }),
  })
  const janitor = new Janitor({
    partway,
    intervalMs: janitorIntervalMs,
    onRun: (report) => {
      const isIdle = Object.values(report).every((count) => count === 0)
      log[isIdle ? 'debug' : 'info']({ event: 'janitor.run', ...report })
    },
    onFault: ({ id }, err) => log.warn({ event: 'janitor.fault', uploadId: id, err }),
    onRunFault: (err) => log.warn({ event: 'janitor.fault', err }),
  })
  return { worker, janitor }
}

export async function stopWork(work: BackgroundWork | undefined): Promise<void> {
  await Promise.all([work?.worker.stop(), work?.janitor.stop()])
}
