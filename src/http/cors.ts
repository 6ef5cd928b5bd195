import type { RequestHandler } from 'express'

export interface CorsOptions {
  /** Origins such as `https://app.example.com`, compared exactly. There is no wildcard. */
  readonly origins: readonly string[]
}

const EXPOSED =
  'Retry-After, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id'

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET, POST',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-Request-Id',
  'Access-Control-Max-Age': '600',
}

/**
 * Lets pages of the listed origins call the router. Credentials of the browser (cookies) are never
 * allowed: a page says who it is in a header of its own.
 */
export function cors({ origins }: CorsOptions): RequestHandler {
  const allowed = new Set(origins)
  return (req, res, next) => {
    // Also where the origin is refused: a shared cache must not give one origin the reply to another.
    res.vary('Origin')
    const origin = req.get('Origin')
    if (origin === undefined || !allowed.has(origin)) return next()
    res.set('Access-Control-Allow-Origin', origin)
    res.set('Access-Control-Expose-Headers', EXPOSED)
    if (req.method !== 'OPTIONS' || !req.get('Access-Control-Request-Method')) return next()
    res.set(PREFLIGHT).status(204).end()
  }
}
