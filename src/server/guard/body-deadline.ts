import type { RequestHandler } from 'express'
import { UploadError } from '../../coordinator/upload-error.js'
import { requestIdOf } from '../../http/headers.js'
import { sendProblem } from '../../http/reply.js'

/**
 * Answers 408 when the body of a request has not come after `ms`, and closes the connection. For a server whose own
 * limit must be longer, because of one route: Node has one limit for all requests.
 */
export function bodyDeadline(ms: number, exceptAt: string): RequestHandler {
  return (req, res, next) => {
    if (req.complete || req.path === exceptAt) return next()
    const timer = setTimeout(() => {
      if (req.complete) return
      if (res.headersSent) {
        req.destroy()
        return
      }
      const tooSlow = new UploadError('BODY_TOO_SLOW', 'The body did not arrive in time')
      res.status(tooSlow.status).set('Connection', 'close')
      res.once('finish', () => req.destroy())
      sendProblem(res, tooSlow.toProblem(requestIdOf(res)))
    }, ms)
    const stop = () => clearTimeout(timer)
    req.once('end', stop).once('close', stop)
    next()
  }
}
