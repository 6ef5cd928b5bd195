import type { RequestHandler, Response } from 'express'
import type { UploadError } from '../coordinator/upload-error.js'
import { type ErrorCode, ROUTES, type RouteName } from '../protocol/index.js'

/** Told of every request, of nothing but what is listed here. */
export interface RequestMeter {
  /** Gives what is called when the reply was sent or cut off. */
  begin(route: RouteName | 'other'): (end: RequestEnd) => void
}

export interface RequestEnd {
  /** Of the reply. */
  readonly status: number
  /** Whether the caller was gone before the whole reply was sent. */
  readonly isCutOff: boolean
  /** Of the problem that was the reply. */
  readonly code?: ErrorCode
  /** The name of the limit that refused the request. */
  readonly limit?: string
}

const ends = new WeakMap<Response, { refusal?: UploadError }>()

/** Mounted twice it does nothing the second time, as `commonHeaders`. */
export function metered(meter: RequestMeter): RequestHandler {
  return (req, res, next) => {
    if (ends.has(res)) return next()
    const own: { refusal?: UploadError } = {}
    ends.set(res, own)
    const end = meter.begin(routeOf(req.path))
    res.once('close', () => {
      const { refusal } = own
      end({
        status: res.statusCode,
        isCutOff: !res.writableFinished,
        ...(refusal !== undefined && { code: refusal.code }),
        ...(refusal?.details.limit !== undefined && { limit: refusal.details.limit }),
      })
    })
    next()
  }
}

/** Says what a request was refused with. */
export function noteRefusal(res: Response, refusal: UploadError): void {
  const own = ends.get(res)
  if (own !== undefined) own.refusal = refusal
}

function routeOf(path: string): RouteName | 'other' {
  const names = Object.keys(ROUTES) as RouteName[]
  return names.find((name) => ROUTES[name].path === path) ?? 'other'
}
