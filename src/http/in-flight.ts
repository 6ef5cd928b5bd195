import type { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import { UploadError } from '../coordinator/upload-error.js'
import { clientNetwork } from './client-address.js'
import { Tally } from './tally.js'

const RETRY_AFTER_MS = 1_000

/**
 * Lets `most` requests of one address be under way in this process at a time; a request counts from its
 * headers to the end of its reply, however slowly its body comes.
 */
export function inFlightLimit(most: number): RequestHandler {
  const underWay = new Tally(most)
  const onSockets = new WeakMap<Socket, Set<() => void>>()
  return (req, res, next) => {
    const network = clientNetwork(req)
    if (!underWay.take(network)) {
      throw new UploadError(
        'TOO_MANY_REQUESTS',
        `${most} requests of this address are under way already; try again when one has ended.`,
        { retryAfterMs: RETRY_AFTER_MS },
      )
    }
    const own = requestsOn(req.socket, onSockets)
    const release = (): void => {
      if (own.delete(release)) underWay.giveBack(network)
    }
    own.add(release)
    res.once('close', release)
    next()
  }
}

/**
 * What is to be done when the connection closes. A reply that waits for its turn behind another one on the
 * same connection (pipelining) is never told of that itself.
 */
function requestsOn(socket: Socket, known: WeakMap<Socket, Set<() => void>>): Set<() => void> {
  const found = known.get(socket)
  if (found !== undefined) return found
  const releases = new Set<() => void>()
  known.set(socket, releases)
  socket.once('close', () => {
    for (const release of releases) release()
  })
  return releases
}
