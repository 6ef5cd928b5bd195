import type { Partway } from '../coordinator/partway.js'
import type { Bucket, PartSigner, SessionStore } from '../coordinator/ports.js'
import { createMetrics, createTracing, type Metrics, type Tracing } from '../operations/index.js'
import type { Address, Listening } from './listen.js'
import type { Log } from './logging.js'
import { listenForMetrics } from './metrics-listener.js'

interface Services {
  readonly store: SessionStore
  readonly bucket: Bucket
  readonly signer: PartSigner
}

/** How long somebody who reads metrics may hold up the stop. */
const DRAIN_MS = 500

/** What looks on while the server works. Traces go to the SDK that the process has registered, if there is one. */
export class Observers {
  readonly tracing: Tracing = createTracing()
  /** Absent when nobody is to read them. */
  readonly metrics: Metrics | undefined
  #listening: Listening | undefined

  private constructor(metrics: Metrics | undefined) {
    this.metrics = metrics
  }

  /** Metrics are only counted, and their code only loaded, when there is an address where they are read. */
  static async at(address: Address | undefined): Promise<Observers> {
    return new Observers(address && (await createMetrics()))
  }

  services({ store, bucket, signer }: Services): Services {
    const { tracing, metrics } = this
    return {
      store: tracing.store(metrics?.store(store) ?? store),
      bucket: tracing.bucket(metrics?.bucket(bucket) ?? bucket),
      signer: tracing.signer(metrics?.signer(signer) ?? signer),
    }
  }

  partway(partway: Partway): Partway {
    return this.tracing.partway(this.metrics?.partway(partway) ?? partway)
  }

  /** Lets metrics be read, and gives where. Rejects with a sentence for the operator when the address cannot be had. */
  async listen(address: Address | undefined, log: Log): Promise<string | undefined> {
    if (address === undefined || this.metrics === undefined) return undefined
    this.#listening = await listenForMetrics(this.metrics, { address, log })
    const url = `${this.#listening.url}/metrics`
    log.info({ event: 'metrics.started', url })
    return url
  }

  async close(): Promise<void> {
    await this.#listening?.drain(DRAIN_MS)
  }
}
