import type { RequestHandler } from 'express'
import { UploadError } from '../coordinator/upload-error.js'
import { clientNetwork } from './client-address.js'

const RETRY_AFTER_MS = 1_000

/**
 * Lets `most` requests of one address be under way in this process at a time; a request counts from its
 * headers to the end of its reply, however slowly its body comes.
 */
export function inFlightLimit(most: number): RequestHandler {
  const underWay = new Map<string, number>()
  return (req, res, next) => {
    const network = clientNetwork(req)
    const count = underWay.get(network) ?? 0
    if (count >= most) {
      throw new UploadError(
        'TOO_MANY_REQUESTS',
        `${most} requests of this address are under way already; try again when one has ended.`,
        { retryAfterMs: RETRY_AFTER_MS },
      )
    }
    underWay.set(network, count + 1)
    res.once('close', () => {
      const left = (underWay.get(network) ?? 1) - 1
      if (left === 0) underWay.delete(network)
      else underWay.set(network, left)
    })
    next()
  }
}
