import { CoordinatorApi } from './api.js'
import { Deferred } from './deferred.js'
import type { ProgressEvent, ResumedEvent, RetryEvent, UploadEvent } from './events.js'
import { PartLedger } from './part-ledger.js'
import { PartwayError } from './partway-error.js'
import type { ClientPorts, ResumeStore, UploadLocks } from './ports.js'
import { ProgressMeter } from './progress-meter.js'
import { reasonOf } from './reason.js'
import { initRequest, uploadFile } from './upload-file.js'
import { type RememberedFile, UploadMemory } from './upload-memory.js'
import type { EngineOptions, UploadOptions, UploadResult } from './upload-options.js'

/**
 * - `idle`: not started yet
 * - `locked`: another tab, or another upload of this one, is sending the same file; this one waits
 * - `preparing`: asks the server, and compares what has arrived before with the file
 * - `uploading`, `offline` (waits for the network), `completing` (all parts are there)
 * - `paused`
 * - `completed`, `failed`, `cancelled`: over; a failed upload can be started again and goes on
 */
export type UploadStatus =
  | 'idle'
  | 'locked'
  | 'preparing'
  | 'uploading'
  | 'offline'
  | 'completing'
  | 'paused'
  | 'cancelling'
  | 'completed'
  | 'failed'
  | 'cancelled'

export interface StateEvent {
  readonly type: 'state'
  readonly state: UploadStatus
  /** Why it failed. */
  readonly error?: PartwayError
}

export interface UploadEventMap {
  readonly progress: ProgressEvent
  readonly state: StateEvent
  readonly retry: RetryEvent
  readonly resumed: ResumedEvent
}

/** All there is to show of an upload. A new object whenever anything of it has changed. */
export interface UploadSnapshot {
  readonly state: UploadStatus
  readonly progress: ProgressEvent
  readonly error: PartwayError | undefined
  readonly result: UploadResult | undefined
  readonly uploadId: string | undefined
}

export interface UploadHandleOptions extends Omit<UploadOptions, 'server' | 'signal' | 'onEvent'> {
  /** Address of the coordinator, with the path that it is mounted on, if any. */
  readonly endpoint: string
  /** Whose uploads are remembered, where several people use one browser. @default '' */
  readonly scope?: string
}

export interface UploadEnvironment {
  readonly ports: ClientPorts
  readonly locks: UploadLocks
  readonly store: ResumeStore
}

const PAUSABLE: ReadonlySet<UploadStatus> = new Set([
  ...(['locked', 'preparing', 'uploading', 'offline', 'completing'] as const),
])
const ABORT_TRIES = 5
const ABORT_WAIT_MS = 1_000

/**
 * One upload of one file, that can be paused, resumed and cancelled. Nothing happens before `start`.
 * Every method may be called at any time and any number of times; what makes no sense does nothing.
 */
export class Upload {
  readonly #file: RememberedFile
  readonly #environment: UploadEnvironment
  readonly #options: UploadHandleOptions
  readonly #memory: UploadMemory
  readonly #meter: ProgressMeter
  readonly #listeners = new Map<string, Set<(event: never) => void>>()
  #ledger: PartLedger | undefined
  #outcome = new Deferred<UploadResult>()
  #stop: AbortController | undefined
  /** What is under way, one after another: the next run begins when the last has let go of everything. */
  #running: Promise<void> = Promise.resolve()
  #hasBegun = false
  #snapshot: UploadSnapshot

  constructor(file: RememberedFile, environment: UploadEnvironment, options: UploadHandleOptions) {
    this.#file = file
    this.#environment = environment
    this.#options = options
    const { clock } = environment.ports
    const { scope = '', endpoint } = options
    this.#memory = new UploadMemory({ store: environment.store, clock, file, scope, endpoint })
    this.#meter = new ProgressMeter(file.size, () => clock.now())
    this.#snapshot = {
      state: 'idle',
      progress: this.#meter.read(),
      ...{ error: undefined, result: undefined, uploadId: undefined },
    }
  }

  get snapshot(): UploadSnapshot {
    return this.#snapshot
  }

  get state(): UploadStatus {
    return this.#snapshot.state
  }

  get progress(): ProgressEvent {
    return this.#snapshot.progress
  }

  get uploadId(): string | undefined {
    return this.#snapshot.uploadId
  }

  /** Settles as `start`. An upload that is started again after a failure has a new one. */
  get result(): Promise<UploadResult> {
    return this.#outcome.promise
  }

  /** Calls `listener` with every event of the type until the function that is returned is called. */
  on<K extends keyof UploadEventMap>(
    type: K,
    listener: (event: UploadEventMap[K]) => void,
  ): () => void {
    return this.#listen(type, listener)
  }

  /** Calls `listener` whenever there is another {@link Upload.snapshot}. */
  subscribe(listener: () => void): () => void {
    return this.#listen('change', listener)
  }

  /**
   * Starts, or goes on after a pause or a failure. Resolves when the server has proven the object; rejects
   * with {@link PartwayError}: the server's codes, or one of `CLIENT_ERROR_CODES`; `CANCELLED` after
   * `cancel`.
   */
  start(): Promise<UploadResult> {
    const { state } = this
    if (state === 'failed') this.#outcome = new Deferred()
    if (state === 'idle' || state === 'paused' || state === 'failed') this.#begin()
    return this.#outcome.promise
  }

  /** Stops sending; what has arrived is kept. Resolves when nothing is under way any more. */
  pause(): Promise<void> {
    if (PAUSABLE.has(this.state)) {
      this.#become('paused')
      this.#stop?.abort()
    }
    return this.#running
  }

  /** Goes on after a pause. */
  resume(): void {
    if (this.state === 'paused') this.#begin()
  }

  /**
   * Gives the upload up, also at the server: nothing of it is left in the bucket. Resolves when that is
   * done, or when the upload turned out to be completed already, which `state` tells. Rejects when the
   * server did not do it; then it can be called again.
   */
  async cancel(): Promise<void> {
    const { state } = this
    if (state === 'completed' || state === 'cancelled') return
    if (state !== 'cancelling') {
      this.#become('cancelling')
      this.#stop?.abort()
      this.#running = this.#running.then(() => this.#abandon())
    }
    await this.#running
    const { error } = this.#snapshot
    if (error !== undefined && this.state === 'failed') throw error
  }

  #begin(): void {
    const stop = this.#environment.ports.createAbortController()
    this.#stop = stop
    this.#become('preparing')
    this.#running = this.#running.then(() => this.#run(stop.signal))
  }

  /** Never rejects. Where it was stopped, whoever stopped it says what comes next. */
  async #run(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.state === 'completed') return
    let release = () => {}
    try {
      release = await this.#lock(signal)
      const result = await this.#send(signal)
      await this.#memory.forget()
      this.#settle('completed', { result })
      this.#outcome.resolve(result)
    } catch (error) {
      if (!signal.aborted) await this.#fail(error)
    } finally {
      release()
    }
  }

  async #lock(signal: AbortSignal): Promise<() => void> {
    const onWait = () => this.#become('locked')
    const release = await this.#environment.locks.acquire(this.#memory.id, { signal, onWait })
    if (this.state === 'locked') this.#become('preparing')
    return release
  }

  async #send(signal: AbortSignal): Promise<UploadResult> {
    const recalled = await this.#memory.recall()
    this.#ledger ??= new PartLedger({
      ...(recalled === undefined ? {} : { recorded: recalled.parts }),
      onProven: (part) => this.#memory.proven(part),
    })
    this.#hasBegun = true
    try {
      const options = this.#engineOptions(signal, recalled)
      return await uploadFile(this.#file, this.#environment.ports, options)
    } catch (error) {
      // What could be asked for once (a mode, a chunk size) may be refused by now.
      const isRefused = error instanceof PartwayError && error.status === 400
      if (!isRefused || recalled === undefined) throw error
      await this.#forget()
      return this.#send(signal)
    }
  }

  #engineOptions(
    signal: AbortSignal,
    recalled: Pick<EngineOptions, 'chunkSize' | 'checksum'> | undefined,
  ): EngineOptions {
    const { endpoint: server, scope: _, ...rest } = this.#options
    const { chunkSize = recalled?.chunkSize, checksum = recalled?.checksum } = rest
    const ifCurrent = (tell: () => void) => {
      if (!signal.aborted) tell()
    }
    return {
      ...rest,
      ...(chunkSize === undefined ? {} : { chunkSize }),
      ...(checksum === undefined ? {} : { checksum }),
      ...{ server, signal, meter: this.#meter },
      ...(this.#ledger === undefined ? {} : { ledger: this.#ledger }),
      onEvent: (event) => ifCurrent(() => this.#relay(event)),
      onPhase: (phase) => ifCurrent(() => this.#become(phase)),
      onBegin: (upload) => {
        this.#change({ uploadId: upload.uploadId })
        this.#memory.begun(upload)
      },
    }
  }

  #relay(event: UploadEvent): void {
    if (event.type === 'progress') this.#change({ progress: event })
    if (event.type === 'init' && this.state !== 'uploading') this.#become('preparing')
    if (event.type !== 'init' && event.type !== 'completed') this.#tell(event.type, event)
  }

  /** Never rejects. */
  async #abandon(): Promise<void> {
    // The last bytes may have arrived while it was being stopped.
    if (this.state === 'completed') return
    try {
      const isGone = await this.#abortAtServer()
      if (!isGone) return await this.#run(new AbortController().signal)
      await this.#forget()
      this.#settle('cancelled', {})
      this.#outcome.reject(new PartwayError('CANCELLED', 'The upload was cancelled'))
    } catch (error) {
      await this.#fail(error)
    }
  }

  /** Resolves to `false` when the upload is completed already. */
  async #abortAtServer(): Promise<boolean> {
    const { ports } = this.#environment
    const { endpoint: server, headers, token, retry } = this.#options
    const api = new CoordinatorApi({
      ...{ server, ports },
      ...(headers === undefined ? {} : { headers }),
      ...(token === undefined ? {} : { token }),
      ...(retry === undefined ? {} : { retry }),
    })
    const { signal } = new AbortController()
    for (let tries = 1; ; tries++) {
      try {
        const uploadId = await this.#idToAbort(api, signal)
        if (uploadId !== undefined) await api.abort(uploadId, { signal })
        return true
      } catch (error) {
        if (!(error instanceof PartwayError)) throw error
        if (error.code === 'UPLOAD_NOT_FOUND' || error.code === 'UPLOAD_EXPIRED') return true
        if (error.details.state === 'completed') return false
        if (error.code !== 'COMPLETION_IN_PROGRESS' || tries === ABORT_TRIES) throw error
        await ports.clock.sleep(error.retryAfterMs ?? ABORT_WAIT_MS, signal)
      }
    }
  }

  /** An `init` that was cut off may have been heard: asked again, it tells which upload came of it. */
  async #idToAbort(api: CoordinatorApi, signal: AbortSignal): Promise<string | undefined> {
    if (this.uploadId !== undefined) return this.uploadId
    if (!this.#hasBegun) return this.#idOfEarlierPage()
    const { scope: _, endpoint: server, ...rest } = this.#options
    const reply = await api.init(initRequest(this.#file, { server, ...rest }), { signal })
    return reply.uploadId
  }

  /** What an earlier page has left, unless another tab is about to finish it. */
  async #idOfEarlierPage(): Promise<string | undefined> {
    const busy = new AbortController()
    const options = { signal: busy.signal, onWait: () => busy.abort() }
    try {
      const release = await this.#environment.locks.acquire(this.#memory.id, options)
      release()
    } catch {
      return undefined
    }
    return (await this.#memory.recall())?.uploadId
  }

  async #fail(cause: unknown): Promise<void> {
    const error =
      cause instanceof PartwayError
        ? cause
        : new PartwayError('FAULT', `Something went wrong: ${reasonOf(cause)}`, { cause })
    // What was remembered is of a file that is no more, and would be in the way of what it is now.
    if (error.code === 'FILE_CHANGED') await this.#forget()
    this.#settle('failed', { error })
    this.#outcome.reject(error)
  }

  async #forget(): Promise<void> {
    this.#ledger = undefined
    await this.#memory.forget()
  }

  #become(state: UploadStatus): void {
    if (state !== this.state) this.#settle(state, {})
  }

  #settle(state: UploadStatus, { error, result }: Partial<UploadSnapshot>): void {
    this.#change({ state, error, result })
    this.#tell('state', { type: 'state', state, ...(error === undefined ? {} : { error }) })
  }

  #change(change: Partial<UploadSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change }
    this.#tell('change', undefined)
  }

  #listen(type: string, listener: (event: never) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  #tell(type: string, event: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        listener(event as never)
      } catch (error) {
        // A listener's fault is not the upload's: it is reported as any other that nobody catches.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
