import { objectDigest } from '../checksum/object-digest.js'
import {
  type ChecksumMode,
  type IndexRange,
  type Layout,
  missingRanges,
  partSize,
  type UploadedPart,
} from '../protocol/index.js'
import type { CoordinatorApi } from './api.js'
import { bucketHolds } from './compare-part.js'
import type { Concurrency } from './concurrency.js'
import { forEachConcurrently } from './concurrently.js'
import type { UploadEvent } from './events.js'
import type { PartLedger } from './part-ledger.js'
import { type LoadedPart, PartLoader } from './part-loader.js'
import { PartSender } from './part-sender.js'
import { PartsExchange } from './parts-exchange.js'
import type { ClientPorts, PartBuffer } from './ports.js'
import type { ProgressMeter } from './progress-meter.js'
import type { RetryPolicy } from './retry.js'
import type { StableFile } from './stable-file.js'
import { Turns } from './turns.js'
import type { UploadPhase } from './upload-options.js'

/** How long a stopped upload may still take to report the parts that arrived. */
const LAST_REPORT_MS = 2_000
const MOTION_MS = 100

export interface SessionOptions {
  readonly file: StableFile
  readonly api: CoordinatorApi
  readonly ports: ClientPorts
  readonly meter: ProgressMeter
  readonly emit: (event: UploadEvent) => void
  readonly phase: (phase: UploadPhase) => void
  readonly concurrency: Concurrency
  readonly ledger: PartLedger
  readonly retry: RetryPolicy
  readonly stallMs: number
  readonly expectedHash: (() => Promise<string>) | undefined
  readonly signal: AbortSignal
  readonly uploadId: string
  readonly layout: Layout
  readonly mode: ChecksumMode
}

/** The parts of one upload: which are skipped, which are sent, and what they add up to. */
export class UploadSession {
  readonly #options: SessionOptions
  readonly #stop: AbortController
  readonly exchange: PartsExchange
  readonly #loader: PartLoader
  readonly #sender: PartSender
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(options: SessionOptions) {
    this.#options = options
    const { api, uploadId, file, layout, mode, ports, ledger, emit, concurrency } = options
    this.#stop = ports.createAbortController()
    const { signal } = this.#stop
    const turns = new Turns(() => concurrency.limit)
    const reserve = () => turns.reserve
    this.exchange = new PartsExchange(api, uploadId, { signal, onRetry: emit, reserve })
    ledger.open(layout, mode)
    this.#loader = new PartLoader({ file, layout, mode, hasher: ports.hasher, ledger })
    this.#sender = this.#createSender(signal, turns)
  }

  #createSender(signal: AbortSignal, turns: Turns): PartSender {
    const { ports, meter, emit, phase, retry, stallMs, ledger, concurrency, file } = this.#options
    return new PartSender({
      ...{ ports, file, exchange: this.exchange, turns, retry, stallMs, signal, onRetry: emit },
      onSent: (index, bytes) => {
        concurrency.sent(meter.sending(index, bytes))
        this.#tellMotion()
      },
      onStored: (part) => ledger.prove(part),
      onOffline: (isOffline) => phase(isOffline ? 'offline' : 'uploading'),
      onTarget: (url) => concurrency.cap(ports.transport.connectionsTo(url)),
      onOverload: () => concurrency.overloaded(),
    })
  }

  /**
   * Brings every part to the bucket. Of those that are said to be there the local bytes are compared
   * with what the bucket says it holds; one that does not match is sent at once, from the same memory,
   * so no byte is read twice.
   */
  async bring(uploaded: readonly UploadedPart[]): Promise<void> {
    const { meter, layout } = this.#options
    const there = new Map(uploaded.map((part) => [part.index, part]))
    const missing = missingRanges(layout.totalChunks, (index) => there.has(index))
    meter.begin()
    this.forget(missing)
    if (there.size > 0) await this.#verify(there)
    await this.send(missing)
  }

  /** Sends parts that the bucket does not have. */
  async send(ranges: readonly IndexRange[]): Promise<void> {
    this.#options.phase('uploading')
    await this.#forEach(indicesOf(ranges), (index) =>
      this.#loader.pool.lend((buffer) => this.#sendPart(index, buffer)),
    )
  }

  /** Parts that were taken for stored are not there: they count no longer. */
  forget(ranges: readonly IndexRange[]): void {
    for (const index of indicesOf(ranges)) {
      this.exchange.retract(index)
      this.#options.meter.forget(index)
      this.#options.ledger.disprove(index)
    }
  }

  /** The object-level digest, in modes that have one, of the bytes that were read here. */
  async digest(): Promise<string | undefined> {
    const checksums = this.#loader.checksums()
    return checksums && objectDigest(this.#options.mode, checksums)
  }

  /** Tells the coordinator what arrived, as far as that is quickly done. Never rejects. */
  async reportBeforeLeaving(): Promise<void> {
    const limit = new AbortController()
    const { clock } = this.#options.ports
    const done = new AbortController()
    clock.sleep(LAST_REPORT_MS, done.signal).then(
      () => limit.abort(),
      () => {},
    )
    // What is not reported now is found in the bucket's own list when the upload goes on.
    await this.exchange.flush(limit.signal).catch(() => {})
    done.abort()
  }

  async #verify(there: ReadonlyMap<number, UploadedPart>): Promise<void> {
    const { uploadId, layout, meter, emit } = this.#options
    let skippedParts = 0
    let skippedBytes = 0
    await this.#forEach(there.values(), (remote) =>
      this.#loader.pool.lend(async (buffer) => {
        if (!(await this.#isSame(remote, buffer))) return
        skippedParts++
        skippedBytes += partSize(layout, remote.index)
        meter.acknowledge(remote.index, partSize(layout, remote.index))
        this.#tellMotion()
      }),
    )
    emit({ type: 'resumed', uploadId, skippedParts, skippedBytes })
    emit(meter.read())
  }

  /** Whether the part can be skipped; otherwise it has been sent when this resolves. */
  async #isSame(remote: UploadedPart, buffer: PartBuffer): Promise<boolean> {
    const { mode, ledger, layout } = this.#options
    if (remote.size === partSize(layout, remote.index) && ledger.isProven(remote)) return true
    const part = await this.#loader.load(remote.index, buffer, true)
    if (bucketHolds(part, remote, mode)) {
      ledger.prove({ index: part.index, etag: remote.etag, checksum: part.checksum })
      return true
    }
    await this.#sendPart(remote.index, buffer, part)
    return false
  }

  async #sendPart(index: number, buffer: PartBuffer, loaded?: LoadedPart): Promise<void> {
    const { meter, emit, layout, concurrency } = this.#options
    const part = loaded ?? (await this.#loader.load(index, buffer))
    await this.#sender.send(part, () => this.#loader.load(index, buffer))
    meter.acknowledge(index, partSize(layout, index))
    concurrency.arrived()
    emit(meter.read())
  }

  /** Bytes move thousands of times a second; nobody wants to hear of it that often. */
  #tellMotion(): void {
    const { ports, meter, emit } = this.#options
    const now = ports.clock.now()
    if (now - this.#toldAt < MOTION_MS) return
    this.#toldAt = now
    emit(meter.read())
  }

  async #forEach<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const { signal, concurrency } = this.#options
    signal.throwIfAborted()
    const stop = () => this.#stop.abort(signal.reason)
    signal.addEventListener('abort', stop)
    // What is under way is of no use once one part has failed for good.
    const onFailure = (error: unknown) => this.#stop.abort(error)
    try {
      const limit = () => concurrency.limit + this.#loader.ahead
      await forEachConcurrently(items, { limit, onFailure }, work)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}

function* indicesOf(ranges: readonly IndexRange[]): Generator<number> {
  for (const [first, last] of ranges) {
    for (let index = first; index <= last; index++) yield index
  }
}
