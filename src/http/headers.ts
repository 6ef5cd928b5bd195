import { randomUUID } from 'node:crypto'
import type { RequestHandler, Response } from 'express'

const REQUEST_ID = 'X-Request-Id'
const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/**
 * Gives every reply its request id (the caller's own when it is sane) and the headers that keep signed
 * URLs out of caches and referrers. Mounted twice it does nothing the second time, so that the
 * standalone server and the router can both ask for it.
 */
export function commonHeaders(newId: () => string = randomUUID): RequestHandler {
  return (req, res, next) => {
    if (!res.hasHeader(REQUEST_ID)) {
      const given = req.get(REQUEST_ID)
      res.set({
        [REQUEST_ID]: given !== undefined && SANE_REQUEST_ID.test(given) ? given : newId(),
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
        'X-Content-Type-Options': 'nosniff',
      })
    }
    next()
  }
}

/** The id that `commonHeaders` gave; `undefined` when it was not mounted before. */
export function requestIdOf(res: Response): string | undefined {
  return res.get(REQUEST_ID)
}
