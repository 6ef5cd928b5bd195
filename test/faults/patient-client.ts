import { randomUUID } from 'node:crypto'
import type {
  ChecksumMode,
  CompleteReply,
  InitReply,
  PartToSign,
  ReportedPart,
  SignedPart,
  UploadState,
} from '../../src/protocol/index.js'
import { PATIENCE_MS } from '../helpers/s3-faults.js'
import type { Payload } from './payload.js'
import { type Refusal, refusalOf, type UploadCalls } from './upload-calls.js'

export interface PatientClientOptions {
  readonly calls: UploadCalls
  readonly payload: Payload
  readonly mode: ChecksumMode
  /** For `init`: of the whole file, or of another. */
  readonly fileHash?: string
  /** For every `complete`, as above. */
  readonly expectedHash?: string
  /** @default a random one */
  readonly filename?: string
  /** How long it waits for the bucket to take a part. @default that of the fault matrix */
  readonly patienceMs?: number
  /** Waits for what the coordinator asked for, on whichever clock. */
  readonly wait: (ms: number) => Promise<void>
}

const TRIES = 100
const PUT_TRIES = 10
const ROUNDS = 8
/** How often it asks, and how long it waits in between, while the object is being verified. */
const LOOKS = 200
const LOOK_MS = 1_000

/** What an upload that nobody gave up came to. */
export type Ending = 'completed' | 'failed'

/**
 * A client as it should be: it asks again when it is told to, sends again what is missing, and starts
 * over with the same `init` when nothing else helps. All of it a bounded number of times.
 */
export class PatientClient {
  /** Every "completed" that it was given. */
  readonly told: CompleteReply[] = []
  /** Every state that it was told, in order. */
  readonly states: UploadState[] = []
  uploadId = ''
  readonly #options: PatientClientOptions
  readonly filename: string

  constructor(options: PatientClientOptions) {
    this.#options = options
    this.filename = options.filename ?? `${randomUUID()}.bin`
  }

  /** Comes back only when the upload has come to its end, as far as it was told. */
  async upload(): Promise<Ending> {
    for (let round = 0; round < ROUNDS; round++) {
      const upload = await this.init()
      if (upload.state === 'completed') return 'completed'
      if (upload.state === 'aborting') await this.#try((calls) => calls.abort(upload.uploadId))
      if (upload.state === 'uploading' && !(await this.#bring(upload))) continue
      const ending = await this.complete()
      if (ending !== undefined) return ending
    }
    throw new Error(`the upload did not come to its end: ${this.states.join(', ')}`)
  }

  /** Sends one part, and gives the upload up. Whether it was so, is the answer. */
  async abandon(): Promise<boolean> {
    const upload = await this.init()
    await this.send([1])
    const outcome = await this.#try((calls) => calls.abort(upload.uploadId))
    if (outcome.kind === 'done') this.states.push(outcome.reply.state)
    return outcome.kind === 'done' && outcome.reply.state === 'aborted'
  }

  async init(): Promise<InitReply> {
    const { payload, mode, fileHash } = this.#options
    const request = {
      filename: this.filename,
      fingerprint: payload.sha256,
      size: payload.file.size,
      chunkSize: payload.chunkSize,
      checksum: mode,
      ...(fileHash === undefined ? {} : { fileHash }),
    }
    const outcome = await this.#try((calls) => calls.init(request))
    if (outcome.kind === 'refused') throw new Error(`init was refused: ${outcome.refusal.code}`)
    this.uploadId = outcome.reply.uploadId
    this.states.push(outcome.reply.state)
    return outcome.reply
  }

  /** The first part, then a look at what the bucket has, then the rest. `false`: from the start. */
  async #bring(upload: InitReply): Promise<boolean> {
    const before = this.#missing(upload)
    if ((await this.send(before.slice(0, 1))) === undefined) return false
    const outcome = await this.#try((calls) => calls.status(upload.uploadId))
    if (outcome.kind === 'refused' || outcome.reply.state !== 'uploading') return false
    this.states.push(outcome.reply.state)
    const uploaded = await this.send(this.#missing(outcome.reply))
    if (uploaded === undefined) return false
    const report = { uploadId: upload.uploadId, uploaded }
    return (await this.#try((calls) => calls.parts(report))).kind === 'done'
  }

  #missing({ uploaded }: Pick<InitReply, 'uploaded'>): number[] {
    const there = new Set(uploaded.map((part) => part.index))
    return this.#options.payload.indexes.filter((index) => !there.has(index))
  }

  /** Asks again while the object is being verified. `undefined`: there is something to send first. */
  async complete(): Promise<Ending | undefined> {
    for (let look = 0; look < LOOKS; look++) {
      const outcome = await this.askToComplete()
      if (outcome.kind === 'refused') {
        const hasFailed = outcome.refusal.state === 'failed'
        if (hasFailed) this.states.push('failed')
        return hasFailed ? 'failed' : undefined
      }
      if (outcome.reply.state === 'completed') return 'completed'
      await this.#options.wait(LOOK_MS)
    }
    throw new Error('the object was not verified for too long')
  }

  async askToComplete(): Promise<Outcome<CompleteReply>> {
    const { expectedHash } = this.#options
    const hash = expectedHash === undefined ? {} : { expectedHash }
    const outcome = await this.#try((calls) => calls.complete({ uploadId: this.uploadId, ...hash }))
    if (outcome.kind === 'refused') return outcome
    this.states.push(outcome.reply.state)
    if (outcome.reply.state === 'completed') this.told.push(outcome.reply)
    return outcome
  }

  /** `undefined` when the parts cannot be sent to this upload any more. */
  async send(indexes: readonly number[]): Promise<ReportedPart[] | undefined> {
    const { payload, mode } = this.#options
    const sign: PartToSign[] = []
    for (const index of indexes) {
      const checksum = await payload.checksum(index, mode)
      sign.push(checksum === undefined ? { index } : { index, checksum })
    }
    const outcome = await this.#try((calls) => calls.parts({ uploadId: this.uploadId, sign }))
    if (outcome.kind === 'refused') return undefined
    const sent: ReportedPart[] = []
    for (const part of outcome.reply.parts) {
      const etag = await this.#put(part)
      if (etag === undefined) return undefined
      sent.push({ index: part.index, etag })
    }
    return sent
  }

  async #put({ url, headers, index }: SignedPart): Promise<string | undefined> {
    const { payload, patienceMs = PATIENCE_MS } = this.#options
    const body = new Uint8Array(payload.part(index))
    for (let attempt = 0; attempt < PUT_TRIES; attempt++) {
      const signal = AbortSignal.timeout(patienceMs)
      const reply = await fetch(url, { method: 'PUT', headers, body, signal })
        .then(async (response) => ({ response, text: await response.text() }))
        .catch(() => undefined)
      const etag = reply?.response.headers.get('etag')
      if (reply?.response.ok && etag) return etag
      if (reply?.response.status === 404) return undefined
    }
    throw new Error(`part ${index} was not taken by the bucket`)
  }

  async #try<T>(call: (calls: UploadCalls) => Promise<T>): Promise<Outcome<T>> {
    const { calls, wait } = this.#options
    for (let attempt = 0; attempt < TRIES; attempt++) {
      try {
        return { kind: 'done', reply: await call(calls) }
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal.code === 'INTERNAL') throw error
        if (!refusal.isPassing) return { kind: 'refused', refusal }
        await wait(refusal.retryAfterMs)
      }
    }
    throw new Error('the coordinator had no answer for too long')
  }
}

type Outcome<T> =
  | { readonly kind: 'done'; readonly reply: T }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
