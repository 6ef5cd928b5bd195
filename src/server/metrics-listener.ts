import type { RequestListener } from 'node:http'
import type { Metrics } from '../operations/index.js'
import { type Address, type Listening, listen } from './listen.js'
import type { Log } from './logging.js'

/** Few ask: Prometheus, and whoever looks by hand. */
const MAX_CONNECTIONS = 32

/**
 * Answers `GET /metrics` on a listener of its own, which knows no upload: who may upload cannot reach it, and who
 * reaches it can do nothing else.
 */
export function listenForMetrics(
  { registry }: Pick<Metrics, 'registry'>,
  { address, log }: { readonly address: Address; readonly log: Log },
): Promise<Listening> {
  const answer: RequestListener = (req, res) => {
    const isMetrics = req.url?.split('?')[0] === '/metrics'
    const isRead = req.method === 'GET' || req.method === 'HEAD'
    if (!isMetrics || !isRead) {
      res.writeHead(isMetrics ? 405 : 404, isMetrics ? { Allow: 'GET, HEAD' } : {}).end()
      return
    }
    registry.metrics().then(
      (text) => {
        res.writeHead(200, {
          'Content-Type': registry.contentType,
          'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff',
        })
        res.end(text)
      },
      (err: unknown) => {
        log.error({ event: 'metrics.fault', err })
        res.writeHead(500).end()
      },
    )
  }
  return listen(answer, address, { maxConnections: MAX_CONNECTIONS })
}
