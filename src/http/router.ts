import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import type { Caller, Partway } from '../coordinator/partway.js'
import { UploadError } from '../coordinator/upload-error.js'
import {
  abortRequest,
  completeRequest,
  initRequest,
  listQuery,
  MIB,
  partsRequest,
  ROUTES,
  type RouteName,
  statusQuery,
} from '../protocol/index.js'
import type { Access } from './access.js'
import { type Admit, admission } from './admission.js'
import { type BodyReader, bodyOf, jsonBody, noBody, queryOf } from './body.js'
import { type CorsOptions, cors } from './cors.js'
import { type DecisionLog, decided, type Reply } from './decisions.js'
import { errorHandler, type FaultLog } from './error-handler.js'
import { commonHeaders } from './headers.js'
import { inFlightLimit } from './in-flight.js'
import type { RateGroup, Rates } from './rates.js'
import { sendMessage } from './reply.js'
import { metered, type RequestMeter } from './request-meter.js'
import { type RequestTracing, traced } from './request-tracing.js'

/** The largest bodies that are read, in bytes. */
export interface BodyLimits {
  /** Of requests about a whole upload. @default 64 KiB */
  readonly small: number
  /** Of requests that may name 10,000 parts. @default 4 MiB */
  readonly parts: number
}

export interface RouterOptions extends Access {
  readonly partway: Partway
  /** @default a warning of the process */
  readonly log?: FaultLog
  readonly limits?: Partial<BodyLimits>
  /** Which pages of other origins may call. @default none */
  readonly cors?: CorsOptions
  /** How often an owner and an address may call, such as `limitedRates(…)`. @default as often as they like */
  readonly rates?: Rates
  /** Requests of one address that may be under way in this process at a time. @default any number */
  readonly inFlightPerAddress?: number
  /** Where every decision is recorded before it is answered. @default nowhere */
  readonly decisions?: DecisionLog
  /** Counts and times requests. @default nobody */
  readonly meter?: RequestMeter
  /** Does the work of each request in a span. @default in none */
  readonly tracing?: RequestTracing
  /** Makes the id of a request that brings none. @default a random UUID */
  readonly requestId?: () => string
}

type Answer = (caller: Caller, req: Request, res: Response) => Promise<Reply>

/** Seconds: a small object is read by then, and to ask again costs little. */
const VERIFYING_RETRY_AFTER = '1'

const DEFAULT_LIMITS: BodyLimits = { small: 64 * 1024, parts: 4 * MIB }

/**
 * The routes of Partway, for any Express 5 application:
 * `app.use(createRouter({ partway, owner: (req) => req.user?.id }))`. Without `owner`, `authenticate` or
 * `allowAnonymous` every route answers 401. Throws a `TypeError` when there is more than one of them.
 */
export function createRouter(options: RouterOptions): Router {
  const { partway } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const small = jsonBody(limits.small)
  const large = jsonBody(limits.parts)
  const router = express.Router({ caseSensitive: true, strict: true })
  const { decisions, tracing } = options
  const guards = { before: handlersBefore(options), admit: admission(options), decisions, tracing }
  const route = routeAdder(router, guards)

  route('init', small, async (caller, req) => {
    const { created, reply, parts } = await partway.init(caller, await bodyOf(req, initRequest))
    return { status: created ? 201 : 200, message: reply, ...(parts && { batches: { parts } }) }
  })
  route('parts', large, async (caller, req) => {
    const { reply, parts } = await partway.parts(caller, await bodyOf(req, partsRequest))
    return { status: 200, message: reply, batches: { parts } }
  })
  route('status', noBody, async (caller, req) => {
    return { status: 200, message: await partway.status(caller, queryOf(req, statusQuery)) }
  })
  const complete: Answer = async (caller, req, res) => {
    const message = await partway.complete(caller, await bodyOf(req, completeRequest))
    const isDone = message.state !== 'verifying'
    if (!isDone) res.set('Retry-After', VERIFYING_RETRY_AFTER)
    return { status: isDone ? 200 : 202, message }
  }
  route('complete', large, complete)
  route('merge', large, complete)
  route('abort', small, async (caller, req) => {
    return { status: 200, message: await partway.abort(caller, await bodyOf(req, abortRequest)) }
  })
  route('list', noBody, async (caller, req) => {
    return { status: 200, message: await partway.list(caller, queryOf(req, listQuery)) }
  })

  router.use(errorHandler(options.log))
  return router
}

/** Of our own paths alone: what the host application serves elsewhere has headers of its own. */
function handlersBefore({ requestId, cors: options, inFlightPerAddress, meter }: RouterOptions) {
  const handlers = [commonHeaders(requestId)]
  if (meter !== undefined) handlers.unshift(metered(meter))
  if (options !== undefined) handlers.push(cors(options))
  if (inFlightPerAddress !== undefined) handlers.push(inFlightLimit(inFlightPerAddress))
  return handlers
}

/** By the name of the route, which calls are counted together with it. */
const GROUPS: Readonly<Record<RouteName, RateGroup>> = {
  init: 'init',
  parts: 'parts',
  status: 'status',
  complete: 'complete',
  merge: 'complete',
  abort: 'other',
  list: 'other',
}

type RouteAdder = (name: RouteName, readBody: BodyReader, answer: Answer) => void

interface RouteGuards {
  readonly before: readonly RequestHandler[]
  readonly admit: Admit
  readonly decisions: DecisionLog | undefined
  readonly tracing: RequestTracing | undefined
}

/** There is no other way to add a route, and an answer is only given to a caller that is known. */
function routeAdder(
  router: Router,
  { before, admit, decisions, tracing }: RouteGuards,
): RouteAdder {
  return (name, readBody, answer) => {
    const { method, path } = ROUTES[name]
    const answered = async (req: Request, res: Response): Promise<void> => {
      const { status, message, batches } = await decided(
        decisions,
        { action: name, req, res },
        async (isFrom) => {
          const caller = await admit(req, res, GROUPS[name])
          isFrom(caller)
          await readBody(req, res)
          return answer(caller, req, res)
        },
      )
      await sendMessage(res, status, message, batches)
    }
    const handle: RequestHandler = (req, res) =>
      traced(tracing, { route: path, req, res }, () => answered(req, res))
    const other = otherMethod(method === 'GET' ? 'GET, HEAD' : method, admit)
    router.all(path, ...before)
    if (method === 'GET') router.get(path, handle)
    else router.post(path, handle)
    router.all(path, async (req, res) => {
      await decided(decisions, { action: name, req, res }, () => other(req, res))
    })
  }
}

/** A preflight carries no credentials, so `OPTIONS` is answered to everybody. */
function otherMethod(allow: string, admit: Admit) {
  return async (req: Request, res: Response): Promise<undefined> => {
    if (req.method !== 'OPTIONS') await admit(req, res, 'other')
    res.set('Allow', `${allow}, OPTIONS`)
    if (req.method !== 'OPTIONS') {
      throw new UploadError('METHOD_NOT_ALLOWED', `This route takes ${allow}`)
    }
    res.status(204).end()
  }
}
