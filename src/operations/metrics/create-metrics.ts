import type * as Prometheus from 'prom-client'
import type { Registry } from 'prom-client'
import type { Partway } from '../../coordinator/partway.js'
import type { Bucket, Clock, PartSigner, SessionStore } from '../../coordinator/ports.js'
import { Meter } from './meter.js'
import { meteredBucket, meteredSigner } from './metered-bucket.js'
import { meteredPartway } from './metered-partway.js'
import { type MeteredRequests, meteredRequests } from './metered-requests.js'
import { meteredStore } from './metered-store.js'
import type { Stopwatch } from './timed-calls.js'

export interface MetricsOptions {
  /** Measures durations, in milliseconds from any point on. @default `performance` */
  readonly clock?: Pick<Clock, 'now'>
  /** Whether to tell what Node knows of the process, such as the delay of its event loop. @default true */
  readonly process?: boolean
}

/** Gives what `createPartway` and `createRouter` take, with everything counted that goes through it. */
export interface Metrics {
  /** Of `prom-client`: `await registry.metrics()` is what Prometheus reads. */
  readonly registry: Registry
  store(store: SessionStore): SessionStore
  bucket(bucket: Bucket): Bucket
  signer(signer: PartSigner): PartSigner
  partway(partway: Partway): Partway
  readonly requests: MeteredRequests
  /** How far the bucket's clock is ahead, in milliseconds. */
  clockOffset(offsetMs: number): void
}

/** Loads `prom-client`. Each call makes a registry of its own. */
export async function createMetrics({
  clock = performance,
  process: isProcessTold = true,
}: MetricsOptions = {}): Promise<Metrics> {
  const client = await import('prom-client')
  const registry = new client.Registry()
  if (isProcessTold) tellProcess(client, registry)
  const meter = new Meter(client, registry)
  const stopwatch: Stopwatch = () => {
    const startedAt = clock.now()
    return () => Math.max(0, clock.now() - startedAt) / 1_000
  }
  return {
    registry,
    store: (store) => meteredStore(store, meter, stopwatch),
    bucket: (bucket) => meteredBucket(bucket, meter, stopwatch),
    signer: (signer) => meteredSigner(signer, meter, stopwatch),
    partway: (partway) => meteredPartway(partway, meter, stopwatch),
    requests: meteredRequests(meter, stopwatch),
    clockOffset: (ms) => meter.set('partway_bucket_clock_offset_seconds', ms / 1_000),
  }
}

/** Gauges that are named as if they were counters, which Prometheus's own checks refuse. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`)

function tellProcess(client: typeof Prometheus, registry: Registry): void {
  client.collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
}
