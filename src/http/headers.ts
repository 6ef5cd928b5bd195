import { randomUUID } from 'node:crypto'
import type { RequestHandler, Response } from 'express'
import helmet, { contentSecurityPolicy } from 'helmet'

const REQUEST_ID = 'X-Request-Id'
const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

type Directives = Readonly<Record<string, readonly string[]>>

/** On top of `default-src 'none'`, from which these do not follow. */
const NOTHING: Directives = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
}

/**
 * What answers to programs need: nothing in them may run or be shown in a frame, should a browser take
 * one for a page. HSTS is for whoever ends TLS: it would bind everything else on the same host name.
 */
const SECURITY_HEADERS = {
  contentSecurityPolicy: { useDefaults: false, directives: NOTHING },
  referrerPolicy: { policy: 'no-referrer' },
  strictTransportSecurity: false,
  xFrameOptions: { action: 'deny' },
} as const

/**
 * Gives every reply its request id (the caller's own when it is sane) and the headers that keep signed
 * URLs out of caches and referrers and replies from being run. Mounted twice it does nothing the second
 * time, so that the standalone server and the router can both ask for it.
 */
export function commonHeaders(newId: () => string = randomUUID): RequestHandler {
  const secure = helmet(SECURITY_HEADERS)
  return (req, res, next) => {
    if (res.hasHeader(REQUEST_ID)) return next()
    const given = req.get(REQUEST_ID)
    res.set({
      [REQUEST_ID]: given !== undefined && SANE_REQUEST_ID.test(given) ? given : newId(),
      'Cache-Control': 'no-store',
    })
    secure(req, res, next)
  }
}

/** Lets a page have what `directives` list, besides nothing. */
export function contentPolicy(directives: Directives): RequestHandler {
  return contentSecurityPolicy({ useDefaults: false, directives: { ...NOTHING, ...directives } })
}

/** The id that `commonHeaders` gave; `undefined` when it was not mounted before. */
export function requestIdOf(res: Response): string | undefined {
  return res.get(REQUEST_ID)
}
