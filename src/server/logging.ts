import type { RequestHandler } from 'express'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import type { Clock } from '../coordinator/ports.js'
import { requestIdOf } from '../http/headers.js'
import type { LogLevel } from './config.js'
import { describeError } from './describe-error.js'

export type Log = Logger

/** Paths that something asks every few seconds. */
const QUIET_PATHS = new Set(['/healthz', '/readyz'])
const MAX_PATH = 200

/** Lines of JSON. An `err` is written as `describeError` sees it, never with its own properties. */
export function createLog(level: LogLevel, stream: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (described) => described },
      hooks: {
        // Not as a serializer: pino copies the message of an error into the line before it asks those.
        logMethod([line, ...rest], method) {
          method.apply(this, [withDescribedError(line), ...rest])
        },
      },
    },
    stream,
  )
}

function withDescribedError(line: unknown): object {
  if (typeof line === 'object' && line !== null && !(line instanceof Error)) {
    return 'err' in line ? { ...line, err: describeError(line.err) } : line
  }
  return { err: describeError(line) }
}

/**
 * One line for each request, of nothing but what is listed here: headers, query, bodies and signed URLs
 * are never written. The id of an upload may be: it opens nothing.
 */
export function requestLog(log: Log, clock: Pick<Clock, 'now'>): RequestHandler {
  return (req, res, next) => {
    const startedAt = clock.now()
    const path = pathOf(req.originalUrl)
    res.once('close', () => {
      const line = {
        event: 'http.request',
        requestId: requestIdOf(res),
        method: req.method,
        path,
        status: res.statusCode,
        durationMs: clock.now() - startedAt,
        uploadId: uploadIdOf(req.body),
        ...(res.writableFinished ? {} : { cutOff: true }),
      }
      log[QUIET_PATHS.has(path) ? 'debug' : 'info'](line)
    })
    next()
  }
}

function pathOf(url: string): string {
  return (url.split('?')[0] ?? '').slice(0, MAX_PATH)
}

function uploadIdOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('upload_id' in body)) return undefined
  const id = body.upload_id
  return typeof id === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(id) ? id : undefined
}
