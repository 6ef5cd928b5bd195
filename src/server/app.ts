import express, { type Express, type RequestHandler } from 'express'
import type { Partway } from '../coordinator/partway.js'
import type { Clock } from '../coordinator/ports.js'
import { UploadError } from '../coordinator/upload-error.js'
import type { Access } from '../http/access.js'
import type { DecisionLog } from '../http/decisions.js'
import { createDocsRouter } from '../http/docs.js'
import { errorHandler, type FaultLog } from '../http/error-handler.js'
import { commonHeaders } from '../http/headers.js'
import type { Rates } from '../http/rates.js'
import { metered, type RequestMeter } from '../http/request-meter.js'
import type { RequestTracing } from '../http/request-tracing.js'
import { createRouter } from '../http/router.js'
import type { GuardConfig } from './guard/guard-config.js'
import { proxyConcern } from './guard/proxy-concern.js'
import { type Log, requestLog } from './logging.js'
import { createPageRouter, type PageOptions } from './page.js'
import type { Readiness } from './readiness.js'

export interface AppOptions {
  readonly partway: Partway
  /** Who may call the routes of uploads; everything else is open. */
  readonly access: Access
  readonly readiness: Readiness
  readonly log: Log
  readonly clock: Pick<Clock, 'now'>
  readonly corsOrigins: readonly string[]
  /** Where decisions are recorded. @default nowhere */
  readonly decisions?: DecisionLog
  readonly meter?: RequestMeter
  readonly tracing?: RequestTracing
  /** Of the program, for the API's description. */
  readonly version: string
  readonly guard?: AppGuard
  /** @default the page is not shown */
  readonly page?: PageOptions
}

/** What keeps one caller from taking more than their share. */
export interface AppGuard extends Pick<GuardConfig, 'trustProxy' | 'inFlightPerAddress'> {
  readonly rates: Rates
}

/** When a client that found this server stopping may try again: by then another one has taken over. */
const RETRY_AFTER_MS = 1_000

/** The whole application of the standalone server. */
export function createApp(options: AppOptions): Express {
  const { partway, access, readiness, log, corsOrigins, version, guard, page } = options
  const faults = faultLog(log)
  const app = express()
  app.disable('x-powered-by').set('query parser', 'simple').set('etag', false)
  app.set('trust proxy', guard?.trustProxy ?? false)
  if (options.meter !== undefined) app.use(metered(options.meter))
  app.use(commonHeaders(), requestLog(log, options.clock))
  if (guard?.trustProxy === undefined) app.use(proxyConcern(log))
  app.get('/healthz', (_req, res) => {
    res.json({ status: 'ok' })
  })
  app.get('/readyz', ready(readiness))
  app.use(refuseWhileStopping(readiness))
  app.use(createDocsRouter({ version, log: faults }))
  if (page !== undefined) app.use(createPageRouter(page))
  app.use(
    createRouter({
      partway,
      ...access,
      log: faults,
      ...(options.decisions !== undefined && { decisions: options.decisions }),
      ...(options.tracing !== undefined && { tracing: options.tracing }),
      ...(corsOrigins.length > 0 && { cors: { origins: corsOrigins } }),
      ...(guard !== undefined && {
        rates: guard.rates,
        inFlightPerAddress: guard.inFlightPerAddress,
      }),
    }),
  )
  app.use(notFound, errorHandler(faults))
  return app
}

function ready(readiness: Readiness): RequestHandler {
  return async (_req, res) => {
    const { ready, ...services } = await readiness.report()
    res.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not-ready', ...services })
  }
}

function refuseWhileStopping(readiness: Readiness): RequestHandler {
  return (_req, res, next) => {
    if (!readiness.stopping) return next()
    res.set('Connection', 'close')
    throw new UploadError('SHUTTING_DOWN', 'This server is stopping; try again.', {
      retryAfterMs: RETRY_AFTER_MS,
    })
  }
}

const notFound: RequestHandler = () => {
  throw new UploadError('ROUTE_NOT_FOUND', 'There is nothing at this address; see /openapi.json')
}

function faultLog(log: Log): FaultLog {
  return (err, context) => {
    const line = { event: 'http.fault', ...context, err }
    if (context.code === 'INTERNAL') log.error(line)
    else log.warn(line)
  }
}
