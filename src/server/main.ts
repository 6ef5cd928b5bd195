import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConnectS3Options, connectS3, type S3Connection } from '../bucket/index.js'
import { createPartway, systemClock } from '../coordinator/create-partway.js'
import type { Partway } from '../coordinator/partway.js'
import type { Clock, UploadRef } from '../coordinator/ports.js'
import { BackgroundWorker } from '../operations/index.js'
import { createApp } from './app.js'
import { BucketWatch } from './bucket-watch.js'
import type { ServerConfig } from './config.js'
import { type Listening, listen } from './listen.js'
import type { Log } from './logging.js'
import { originOfParts } from './page.js'
import { Readiness } from './readiness.js'
import { SigningClock } from './signing-clock.js'
import { type OpenedStore, openStore } from './store.js'

export interface StartOptions {
  readonly log: Log
  /** @default the system's clock */
  readonly clock?: Clock
  /** Of the bucket. @default the AWS SDK's own chain */
  readonly credentials?: NonNullable<ConnectS3Options['credentials']>
}

export interface RunningServer {
  readonly url: string
  /** Answers what is in flight, for 10 s at most, and closes everything. Repeated, it is the same stop. */
  stop(): Promise<void>
}

const DRAIN_MS = 10_000
/** How long a probe of the bucket may hold up the start, and the stop. */
const PROBE_MS = 2_000
/** How long work that was broken off may take to say so to the store. */
const WORK_STOP_MS = 2_000

/**
 * Puts the standalone server together and starts it. Rejects when the store cannot be opened or the
 * address not be had; a bucket that does not answer is only a warning, and `/readyz` tells.
 */
export async function startServer(
  config: ServerConfig,
  { log, clock = systemClock, credentials }: StartOptions,
): Promise<RunningServer> {
  const signingClock = new SigningClock(clock)
  const s3 = connectBucket(config, {
    clock: signingClock,
    ...(credentials !== undefined && { credentials }),
  })
  const opened = await openStore(config.store, { bucket: config.bucket.name, log })
  const watch = watchBucket(config, { s3, clock, signingClock, log })
  const checks = { store: () => opened.store.check(), bucket: () => checkBucket(s3, watch) }
  const readiness = new Readiness({ checks, clock, log, broken: () => watch.broken })
  const partway = compose(config, { opened, s3, clock, watch, onDue: (ref) => work?.add(ref) })
  const work = backgroundWork(config, { partway, log })
  const close = async (): Promise<void> => {
    await atMost(WORK_STOP_MS, work?.stop() ?? Promise.resolve())
    await atMost(PROBE_MS, watch.stop())
    s3.close()
    await partway.close()
  }
  const app = createApp({
    partway,
    readiness,
    log,
    clock,
    corsOrigins: config.corsOrigins,
    version: programVersion(),
    ...(config.page && { page: { bucketOrigin: () => originOfParts(s3.signer) } }),
  })
  try {
    // So that, as a rule, the first client already gets what the bucket can do.
    await atMost(PROBE_MS, watch.look())
    const listening = await listen(app, config)
    work?.start()
    await tellStart({ config, log, readiness, opened, url: listening.url })
    return running({ listening, readiness, log, close })
  } catch (error) {
    await close()
    throw error
  }
}

interface Composed {
  readonly opened: OpenedStore
  readonly s3: S3Connection
  readonly clock: Clock
  readonly watch: BucketWatch
  readonly onDue: (ref: UploadRef) => void
}

function compose(config: ServerConfig, { opened, s3, clock, watch, onDue }: Composed): Partway {
  return createPartway({
    onDue,
    store: opened.store,
    bucket: s3.bucket,
    signer: s3.signer,
    secret: config.secret,
    clock,
    capabilities: () => watch.capabilities(),
    settings: {
      urlTtlSeconds: config.urlTtlSeconds,
      sessionTtlMs: config.sessionTtlMs,
      retentionMs: config.retentionMs,
      leaseMs: config.leaseMs,
      maxSize: config.maxSize,
      ...(config.checksum !== undefined && { defaultChecksum: config.checksum }),
      keyPrefix: config.keyPrefix,
      ...(config.allowedTypes !== undefined && { allowedTypes: config.allowedTypes }),
    },
  })
}

/** `undefined` where that is left to other servers. */
function backgroundWork(
  { verifyConcurrency }: ServerConfig,
  { partway, log }: { readonly partway: Partway; readonly log: Log },
): BackgroundWorker | undefined {
  if (verifyConcurrency === 0) return undefined
  return new BackgroundWorker({
    partway,
    concurrency: verifyConcurrency,
    onFault: ({ id }, err) => log.warn({ event: 'work.fault', uploadId: id, err }),
    onPollFault: (err) => log.warn({ event: 'work.fault', err }),
  })
}

function connectBucket(
  { bucket }: ServerConfig,
  rest: Pick<ConnectS3Options, 'clock' | 'credentials'>,
): S3Connection {
  const { name, ...options } = bucket
  return connectS3({ bucket: name, ...options, ...rest })
}

interface Watched {
  readonly s3: S3Connection
  readonly clock: Clock
  readonly signingClock: SigningClock
  readonly log: Log
}

function watchBucket(config: ServerConfig, { s3, clock, signingClock, log }: Watched): BucketWatch {
  const { keyPrefix, checksum } = config
  return new BucketWatch({
    ...(config.probe && { probe: () => s3.probe({ keyPrefix, clock }) }),
    clockOffset: () => s3.clockOffset(clock),
    signingClock,
    log,
    ...(checksum !== undefined && { checksum }),
  })
}

async function checkBucket(s3: S3Connection, watch: BucketWatch): Promise<void> {
  try {
    await s3.bucket.check()
    watch.answered(true)
  } catch (error) {
    watch.answered(false)
    throw error
  }
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
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
}

function running({ listening, readiness, log, close }: Running): RunningServer {
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
