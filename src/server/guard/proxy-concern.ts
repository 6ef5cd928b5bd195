import type { RequestHandler } from 'express'
import type { Log } from '../logging.js'

/**
 * Says once that there may be a proxy which the settings do not name: all callers then look like one, and share
 * its rates. Anybody can send such a header, so it is no more than a hint.
 */
export function proxyConcern(log: Log): RequestHandler {
  let isTold = false
  return (req, _res, next) => {
    if (!isTold && req.headers['x-forwarded-for'] !== undefined) {
      isTold = true
      const concern =
        'A request came with X-Forwarded-For, which is ignored. If there is a proxy before this server, set PARTWAY_TRUST_PROXY; otherwise all callers share the rates of one address.'
      log.warn({ event: 'config.concern', concern })
    }
    next()
  }
}
