import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectS3Options, S3Connection } from '../bucket/index.js'
import { systemClock } from '../coordinator/create-partway.js'
import type { Bucket, Clock, EventRef, UploadRef } from '../coordinator/ports.js'
import { limitedRates } from '../http/limited-rates.js'
import type { Rates } from '../http/rates.js'
import { createApp } from './app.js'
import type { LineStream } from './audit/audit-stream.js'
import { openAudit } from './audit/open-audit.js'
import { openAuthenticator } from './auth/authenticator.js'
import { backgroundWork } from './background-work.js'
import { BucketWatch } from './bucket-watch.js'
import { compose, connectBucket } from './compose.js'
import type { ServerConfig } from './config.js'
import { keepingConcern } from './keeping-concern.js'
import { type Listening, listen } from './listen.js'
import type { Log } from './logging.js'
import { Observers } from './observers.js'
import { originOfParts } from './page.js'
import { Readiness } from './readiness.js'
import { SigningClock } from './signing-clock.js'
import { type OpenedStore, openStore, redisKeyPrefix } from './store.js'
import { openWebhooks } from './webhooks/open-webhooks.js'
import { openWorkQueue } from './work-queue.js'

export interface StartOptions {
  readonly log: Log
  /** @default the system's clock */
  readonly clock?: Clock
  /** Of the bucket. @default the AWS SDK's own chain */
  readonly credentials?: NonNullable<ConnectS3Options['credentials']>
  /** Takes the audit log where the settings say so. @default that of the process */
  readonly stdout?: LineStream
}

export interface RunningServer {
  readonly url: string
  /** Of the metrics, where there are any. */
  readonly metricsUrl?: string
  /** For after the file of the audit log was moved away. Present when there is one. */
  readonly reopen?: () => Promise<void>
  /**
   * Says at `/readyz` that it is leaving, and serves for `PARTWAY_DRAIN_DELAY` more, so that load balancers have left it
   * before `stop` refuses connections.
   */
  leave(): Promise<void>
  /** Answers what is in flight, for 10 s at most, and closes everything. Repeated, it is the same stop. */
  stop(): Promise<void>
}

const DRAIN_MS = 10_000
/** How long a probe of the bucket may hold up the start, and the stop. */
const PROBE_MS = 2_000
/** By which the limit of the sockets is longer than that of the relay. */
const RELAY_MARGIN_MS = 30_000
/** How long work that was broken off may take to say so to the store. */
const WORK_STOP_MS = 2_000

/**
 * Puts the standalone server together and starts it. Rejects when the store cannot be opened or the
 * address not be had; a bucket that does not answer is only a warning, and `/readyz` tells.
 */
export async function startServer(
  config: ServerConfig,
  { log, clock = systemClock, credentials, stdout = process.stdout }: StartOptions,
): Promise<RunningServer> {
  const authenticator = await openAuthenticator(config.auth, { clock, log })
  const [secret] = config.secrets
  const audit = config.audit && (await openAudit(config.audit, { secret, clock, log, stdout }))
  const signingClock = new SigningClock(clock)
  const observers = await Observers.at(config.metrics)
  const s3 = connectBucket(config, {
    clock: signingClock,
    headers: () => observers.tracing.headers(),
    ...(credentials !== undefined && { credentials }),
  })
  const opened = await openStore(config.store, { bucket: config.bucket.name, log })
  const services = observers.services({ ...s3, store: opened.store })
  const { metrics, tracing } = observers
  const onClockOffset = (offsetMs: number) => metrics?.clockOffset(offsetMs)
  const watch = watchBucket(config, { s3, clock, signingClock, onClockOffset, log })
  const checks = {
    store: () => services.store.check(),
    bucket: () => checkBucket(services.bucket, watch),
  }
  const readiness = new Readiness({
    checks,
    clock,
    log,
    broken: () => audit?.broken() ?? watch.broken,
  })
  const queue = await openWorkQueue(config, { clock, log })
  metrics?.queue(queue)
  const onDue = (ref: UploadRef) => work.announce(ref)
  const { outbox } = opened
  const webhooks = openWebhooks(config, { outbox, clock, log, metrics })
  const onEvent = (ref: EventRef) => work.announceEvent(ref)
  const capabilities = () => watch.capabilities()
  const { relay } = s3
  const partway = observers.partway(
    compose(config, { ...services, relay, clock, capabilities, audit, onDue, onEvent }),
  )
  const work = backgroundWork(config, { partway, queue, webhooks, log })
  const close = async (): Promise<void> => {
    await atMost(WORK_STOP_MS, work.stop())
    await atMost(PROBE_MS, watch.stop())
    authenticator.close()
    s3.close()
    await partway.close()
    await audit?.close()
    await observers.close()
  }
  const app = createApp({
    partway,
    access: authenticator.access,
    readiness,
    log,
    clock,
    corsOrigins: config.corsOrigins,
    ...(audit && { decisions: audit.decisions }),
    ...(metrics && { meter: metrics.requests }),
    tracing,
    version: programVersion(),
    guard: { ...config.guard, rates: ratesFor(config, opened) },
    ...(config.relay && { relay: config.relay }),
    ...(config.page && { page: { bucketOrigin: () => originOfParts(s3.signer) } }),
  })
  try {
    // So that, as a rule, the first client already gets what the bucket can do.
    await atMost(PROBE_MS, watch.look())
    const metricsUrl = await observers.listen(config.metrics, log)
    const listening = await listen(app, config, socketLimits(config))
    work.start()
    await tellStart({ config, log, readiness, opened, url: listening.url })
    const reopen = audit?.reopen
    const { drainDelayMs } = config
    return running({ listening, readiness, log, close, reopen, metricsUrl, drainDelayMs })
  } catch (error) {
    await close()
    throw error
  }
}

/** Counted where the sessions are kept: servers that share those count together. */
function ratesFor({ guard, bucket }: ServerConfig, { redis }: OpenedStore): Rates {
  const keyPrefix = redisKeyPrefix(bucket.name)
  return limitedRates({ limits: guard.rates, keyPrefix, ...(redis !== undefined && { redis }) })
}

/** No address may have all connections, unless it is that of a proxy, which speaks for many. */
function socketLimits({ guard, relay }: ServerConfig) {
  const { maxConnections, keepAliveMs, trustProxy } = guard
  const half = { connectionsPerAddress: Math.ceil(maxConnections / 2) }
  return {
    maxConnections,
    keepAliveMs,
    ...(trustProxy === undefined && half),
    // The part is answered by then, by the router itself.
    ...(relay !== undefined && { requestMs: relay.timeoutMs + RELAY_MARGIN_MS }),
  }
}

interface Watched {
  readonly s3: S3Connection
  readonly clock: Clock
  readonly signingClock: SigningClock
  readonly onClockOffset: (offsetMs: number) => void
  readonly log: Log
}

function watchBucket(config: ServerConfig, { s3, clock, ...rest }: Watched): BucketWatch {
  const { keyPrefix, checksum } = config
  const tellKeeping = keepingConcern(s3, config, rest.log)
  const probe = async () => {
    const report = await s3.probe({ keyPrefix, clock })
    await tellKeeping(report.flags)
    return report
  }
  return new BucketWatch({
    ...(config.probe && { probe }),
    clockOffset: () => s3.clockOffset(clock),
    ...rest,
    ...(checksum !== undefined && { checksum }),
  })
}

async function checkBucket(bucket: Bucket, watch: BucketWatch): Promise<void> {
  try {
    await bucket.check()
    watch.answered(true)
  } catch (error) {
    watch.answered(false)
    throw error
  }
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const limit = new AbortController()
  await Promise.race([work, delay(ms, undefined, { signal: limit.signal }).catch(() => {})])
  limit.abort()
}

interface Started {
  readonly config: ServerConfig
  readonly log: Log
  readonly readiness: Readiness
  readonly opened: OpenedStore
  readonly url: string
}

/** Says that the server is there, and what the operator should mend. */
async function tellStart({ config, log, readiness, opened, url }: Started): Promise<void> {
  log.info({
    event: 'server.started',
    url,
    bucket: config.bucket.name,
    store: config.store.kind,
  })
  const { store } = await readiness.report()
  const concerns = store ? await opened.concerns().catch(() => []) : []
  for (const concern of concerns) log.warn({ event: 'store.concern', concern })
}

interface Running {
  readonly listening: Listening
  readonly readiness: Readiness
  readonly log: Log
  readonly close: () => Promise<void>
  readonly reopen: (() => Promise<void>) | undefined
  readonly metricsUrl: string | undefined
  readonly drainDelayMs: number
}

function running(server: Running): RunningServer {
  const { listening, readiness, log, close, reopen, metricsUrl, drainDelayMs } = server
  const leave = async (): Promise<void> => {
    readiness.leave()
    listening.leave()
    log.info({ event: 'server.leaving', delay_ms: drainDelayMs })
    await delay(drainDelayMs)
  }
  const stop = async (): Promise<void> => {
    readiness.stop()
    log.info({ event: 'server.stopping' })
    await listening.drain(DRAIN_MS)
    await close()
    log.info({ event: 'server.stopped' })
  }
  let stopped: Promise<void> | undefined
  return {
    url: listening.url,
    ...(metricsUrl !== undefined && { metricsUrl }),
    ...(reopen && { reopen }),
    leave,
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}

function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version }: { version?: unknown } = JSON.parse(text)
  return typeof version === 'string' ? version : '0.0.0'
}
