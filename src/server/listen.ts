import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
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

/**
 * Serves `handler`. The host `localhost` stands for both loopback addresses, because programs differ in
 * which of them they try first. Rejects with a sentence for the operator when the address cannot be had.
 */
export async function listen(handler: RequestListener, address: Address): Promise<Listening> {
  if (address.host !== 'localhost') {
    const server = await listenAt(handler, address)
    return { url: urlOf(server), drain: (graceMs) => drain(server, graceMs) }
  }
  const first = await listenAt(handler, { ...address, host: '127.0.0.1' })
  const { port } = addressOf(first)
  const servers = [first, ...(await listenAtIpv6(handler, port, first))]
  return {
    url: `http://localhost:${port}`,
    drain: async (graceMs) => {
      await Promise.all(servers.map((server) => drain(server, graceMs)))
    },
  }
}

/** None, where the machine has no IPv6. */
async function listenAtIpv6(
  handler: RequestListener,
  port: number,
  first: Server,
): Promise<Server[]> {
  try {
    return [await listenAt(handler, { host: '::1', port })]
  } catch (error) {
    const code = codeOf(error instanceof Error ? error.cause : undefined)
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return []
    first.close()
    throw error
  }
}

async function listenAt(handler: RequestListener, { host, port }: Address): Promise<Server> {
  const server = createServer(TIMEOUTS, handler)
  server.maxConnections = MAX_CONNECTIONS
  server.listen(port, host)
  try {
    await once(server, 'listening')
    return server
  } catch (cause) {
    throw new Error(`cannot listen on ${host}:${port}: ${reasonOf(cause)}`, { cause })
  }
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
  const { family, address, port } = addressOf(server)
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

function addressOf(server: Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP address')
  return address
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
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
