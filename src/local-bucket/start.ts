import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isBucketName } from './calls/buckets.js'
import { Cors } from './cors.js'
import { type Exchange, type HandlerOptions, handle } from './handle.js'
import type { LocalBucketLog } from './log.js'
import type { Service } from './service.js'
import { Blobs } from './storage/blobs.js'
import { openCatalogue } from './storage/open-catalogue.js'

export interface LocalBucketOptions {
  /** Where everything is kept; created where it is missing. One process at a time may have it. */
  readonly folder: string
  /** @default '127.0.0.1' */
  readonly host?: string
  /** @default 0, any that is free */
  readonly port?: number
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Buckets that are to be there from the start. @default none */
  readonly buckets?: readonly string[]
  /** @default 'us-east-1' */
  readonly region?: string
  /** The origins of pages that may use the bucket, `*` for all. @default ['*'] */
  readonly corsOrigins?: readonly string[]
  /** @default nothing is logged */
  readonly log?: LocalBucketLog
  /** @default the clock of the machine */
  readonly clock?: { now(): number }
  /** @default `crypto.randomBytes` */
  readonly random?: (bytes: number) => Buffer
}

export interface LocalBucket {
  /** Of all buckets: `http://host:port`. */
  readonly url: string
  readonly region: string
  /** To be shown to whoever started it. */
  readonly notice: string
  /** Takes no new request; those that are running may take `graceMs` more. @default 5_000 */
  close(graceMs?: number): Promise<void>
}

export const DEVELOPMENT_NOTICE =
  'This bucket is for development and tests only: one process, one disk, one key, no redundancy.'

/** For headers only: bodies take as long as their client needs, as long as something comes. In ms. */
const HEADERS_TIMEOUT_MS = 30_000
const SILENCE_TIMEOUT_MS = 120_000
const KEEP_ALIVE_MS = 65_000
/** How soon a connection that has become idle is noticed while closing. */
const IDLE_CHECK_MS = 50
const DEFAULT_GRACE_MS = 5_000

/**
 * Serves an S3 API on a folder. Rejects when the folder is in use, a bucket's name is not valid, or the
 * address cannot be had; the error of the latter has Node's `code`, such as `EADDRINUSE`.
 */
export async function startLocalBucket(options: LocalBucketOptions): Promise<LocalBucket> {
  const { folder, host = '127.0.0.1', port = 0, region = 'us-east-1', buckets = [] } = options
  const { clock = { now: () => Date.now() }, random = randomBytes, log = () => {} } = options
  const wrong = buckets.find((name) => !isBucketName(name))
  if (wrong !== undefined) throw new Error(`"${wrong}" is not a valid name of a bucket`)
  const randomHex = (bytes: number) => random(bytes).toString('hex')
  const service = await openService(folder, { region, randomHex, now: () => clock.now() })
  const { credentials, corsOrigins = ['*'] } = options
  const verifier = { credentials, region, clock }
  try {
    for (const name of buckets) service.catalogue.createBucket(name, clock.now())
    const listening = serve({ service, verifier, log, cors: new Cors(corsOrigins) })
    const url = await listening.listen(port, host)
    log({ event: 'local-bucket.started', url, notice: DEVELOPMENT_NOTICE })
    const close = async (graceMs = DEFAULT_GRACE_MS) => {
      await listening.drain(graceMs)
      service.catalogue.close()
    }
    return { url, region, notice: DEVELOPMENT_NOTICE, close }
  } catch (error) {
    service.catalogue.close()
    throw error
  }
}

async function openService(
  folder: string,
  rest: Omit<Service, 'catalogue' | 'blobs'>,
): Promise<Service> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const catalogue = openCatalogue(folder)
  try {
    const newName = () => rest.randomHex(16)
    const blobs = await Blobs.open(join(folder, 'blobs'), newName, catalogue.blobs())
    return { ...rest, catalogue, blobs }
  } catch (error) {
    catalogue.close()
    throw error
  }
}

function serve(options: HandlerOptions) {
  const running = new Set<Promise<void>>()
  const take = (exchange: Exchange) => {
    const done = handle(exchange, options).finally(() => running.delete(done))
    running.add(done)
  }
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
  })
  server.setTimeout(SILENCE_TIMEOUT_MS)
  server.on('request', (incoming, response) => take({ incoming, response, waits: false }))
  server.on('checkContinue', (incoming, response) => take({ incoming, response, waits: true }))
  return {
    listen: async (port: number, host: string) => {
      server.listen(port, host)
      await once(server, 'listening')
      return urlOf(server)
    },
    drain: async (graceMs: number) => {
      await closeServer(server, graceMs)
      await Promise.all(running)
    },
  }
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, 'close')
  const inTime = new AbortController()
  server.close()
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
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
