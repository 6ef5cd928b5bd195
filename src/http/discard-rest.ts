import type { Request, RequestHandler } from 'express'

/** Bytes, and milliseconds, for which a client that sends on is listened to after it was answered. */
const MOST = 32 * 1024 * 1024
const MS = 10_000

/**
 * Reads what is left of a body that nobody wants, so that the client gets to read its answer: a connection that is
 * closed while something is unread is reset, and the answer lost. Who sends too much of it is cut off.
 */
export function discardingRest(): RequestHandler {
  return (req, res, next) => {
    res.once('finish', () => discard(req))
    next()
  }
}

function discard(req: Request): void {
  if (req.complete || req.destroyed) return
  let left = MOST
  const timer = setTimeout(() => req.destroy(), MS)
  req.on('data', (bytes: Buffer) => {
    left -= bytes.length
    if (left < 0) req.destroy()
  })
  req.once('close', () => clearTimeout(timer))
  // Whatever it was piped into would pause it once more.
  req.unpipe().resume()
}
