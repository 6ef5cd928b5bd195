import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { limitConnections } from './guard/connection-limit.js'

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

/** What slow clients, and many connections, may take. Durations are in ms. */
export interface SocketLimits {
  readonly maxConnections: number
  /** Of one address. @default any number */
  readonly connectionsPerAddress?: number
  /**
   * Longer than the 60 s of common load balancers, so that those never send into a connection that is just
   * being closed.
   */
  readonly keepAliveMs: number
  /** From the first byte of a request, or the start of a connection, to the end of its headers. */
  readonly headersMs: number
  /** To the end of its body. How long the answer takes, which may be minutes at the bucket, is not among it. */
  readonly requestMs: number
  /** In which not a byte moves, such as when a client does not read what it asked for. */
  readonly silenceMs: number
  /** How often those times are looked at. */
  readonly checkMs: number
  /** Then the connection is closed, and the client makes another. */
  readonly requestsPerConnection: number
}

const DEFAULT_LIMITS: SocketLimits = {
  maxConnections: 1_024,
  keepAliveMs: 65_000,
  headersMs: 10_000,
  requestMs: 30_000,
  silenceMs: 600_000,
  checkMs: 5_000,
  requestsPerConnection: 10_000,
}

/** Room for a token of 8 KiB. In bytes, of all headers of a request. */
const MAX_HEADER_BYTES = 16 * 1024

/**
 * Serves `handler`. The host `localhost` stands for both loopback addresses, because programs differ in
 * which of them they try first. Rejects with a sentence for the operator when the address cannot be had.
 */
export async function listen(
  handler: RequestListener,
  address: Address,
  limits: Partial<SocketLimits> = {},
): Promise<Listening> {
  const newServer = () => serverOf(handler, { ...DEFAULT_LIMITS, ...limits })
  if (address.host !== 'localhost') {
    const server = await listenAt(newServer(), address)
    return { url: urlOf(server), drain: (graceMs) => drain(server, graceMs) }
  }
  const first = await listenAt(newServer(), { ...address, host: '127.0.0.1' })
  const { port } = addressOf(first)
  const servers = [first, ...(await listenAtIpv6(newServer(), port, first))]
  return {
    url: `http://localhost:${port}`,
    drain: async (graceMs) => {
      await Promise.all(servers.map((server) => drain(server, graceMs)))
    },
  }
}

/** None, where the machine has no IPv6. */
async function listenAtIpv6(server: Server, port: number, first: Server): Promise<Server[]> {
  try {
    return [await listenAt(server, { host: '::1', port })]
  } catch (error) {
    const code = codeOf(error instanceof Error ? error.cause : undefined)
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return []
    first.close()
    throw error
  }
}

function serverOf(handler: RequestListener, limits: SocketLimits): Server {
  const options: ServerOptions = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  const server = createServer(options, handler)
  server.maxConnections = limits.maxConnections
  server.maxRequestsPerSocket = limits.requestsPerConnection
  server.timeout = limits.silenceMs
  const { connectionsPerAddress } = limits
  if (connectionsPerAddress !== undefined) limitConnections(server, connectionsPerAddress)
  return server
}

async function listenAt(server: Server, { host, port }: Address): Promise<Server> {
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
