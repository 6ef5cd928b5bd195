import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Listening {
  readonly url: string
  /** Takes no new connection, and resolves when all requests are answered or `graceMs` have passed. */
  drain(graceMs: number): Promise<void>
}

/** How soon a connection that has become idle is noticed while draining. */
const IDLE_CHECK_MS = 50

// A client has that long to send its headers, and its whole request. The timer of `complete`, which may
// take minutes at the bucket, is not among them. Kept-alive connections outlive the 60 s of common
// load balancers, so that those never send into a connection that is just being closed.
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
}
const MAX_CONNECTIONS = 1_024

/** Serves `handler`. Rejects with a sentence for the operator when the address cannot be had. */
export async function listen(handler: RequestListener, address: Address): Promise<Listening> {
  const server = createServer(TIMEOUTS, handler)
  server.maxConnections = MAX_CONNECTIONS
  server.listen(address.port, address.host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new Error(`cannot listen on ${address.host}:${address.port}: ${reasonOf(cause)}`, {
      cause,
    })
  }
  return { url: urlOf(server), drain: (graceMs) => drain(server, graceMs) }
}

async function drain(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  const inTime = new AbortController()
  const tooLate = delay(graceMs, undefined, { signal: inTime.signal }).then(
    () => server.closeAllConnections(),
    () => undefined,
  )
  await closed
  clearInterval(idle)
  inTime.abort()
  await tooLate
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP address')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is taken by another program'
    case 'EACCES':
      return 'this user may not use that port'
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine has no such address'
    default:
      return cause instanceof Error ? cause.message : String(cause)
  }
}
