import { createHash, randomUUID } from 'node:crypto'
import type {
  CallRequest,
  ClientClock,
  HttpReply,
  PutPartRequest,
  Transport,
} from '../../../src/client/ports.js'
import {
  type ChecksumMode,
  ERROR_STATUS,
  ERROR_TITLE,
  type ErrorCode,
  missingRanges,
  partSize,
  problemType,
} from '../../../src/protocol/index.js'
import { rootOf, sha256 } from './fake-hasher.js'

export interface Stored {
  readonly bytes: Buffer
  readonly etag: string
  readonly checksum: string
}

/** What a hook may do instead of the proper answer. `undefined` leaves it at that. */
export type Fault = HttpReply | 'reset' | 'hang' | undefined

interface Body {
  readonly uploaded?: readonly { readonly index: number; readonly etag: string }[]
  readonly parts?: readonly { readonly index: number; readonly etag: string }[]
  readonly sign?: readonly { readonly index: number; readonly checksum?: string }[]
  readonly digest?: string
  readonly size?: number
  readonly filename?: string
  readonly checksum?: string
}

export interface Logged {
  readonly call: string
  readonly body: Body
}

const LATENCY_MS = 10

/**
 * Coordinator and bucket in one, in memory, speaking the wire. It completes nothing of which a part was
 * not reported, so that a client which forgets a report is found out.
 */
export class FakeService implements Transport {
  readonly #clock: Pick<ClientClock, 'sleep'>
  chunkSize: number
  readonly mode: ChecksumMode
  uploadId: string = randomUUID()
  state = 'absent'
  /** A mode that is refused when it is asked for. */
  refuseChecksum: string | undefined
  /** How often `status` is asked before a verification is over. */
  verifications = 0
  size = 0
  expiresIn = 900
  bucketOrigin = 'https://bucket.test'
  /** In the bucket. */
  readonly stored = new Map<number, Stored>()
  /** In the coordinator's memory. */
  readonly reported = new Map<number, string>()
  /** Every call and part, in the order of arrival. */
  readonly log: Logged[] = []
  /** What a browser hides, and how many connections it has. */
  obeysCors = false
  connections = Number.POSITIVE_INFINITY
  putsInFlight = 0
  mostPutsInFlight = 0
  onCall: (call: string, body: Body) => Fault = () => undefined
  onPut: (index: number, attempt: number, url: URL) => Fault = () => undefined
  readonly #attempts = new Map<number, number>()

  constructor(
    clock: Pick<ClientClock, 'sleep'>,
    { chunkSize = 10, mode = 'sha256' }: { chunkSize?: number; mode?: ChecksumMode } = {},
  ) {
    this.#clock = clock
    this.chunkSize = chunkSize
    this.mode = mode
  }

  get object(): Buffer {
    return Buffer.concat([...this.stored.keys()].sort((a, b) => a - b).map((i) => this.bytesOf(i)))
  }

  bytesOf(index: number): Buffer {
    return this.stored.get(index)?.bytes ?? Buffer.alloc(0)
  }

  /** The indices that were sent, in order. */
  get puts(): number[] {
    return this.log.flatMap(({ call }) => (call.startsWith('put ') ? [Number(call.slice(4))] : []))
  }

  count(call: string): number {
    return this.log.filter((entry) => entry.call === call).length
  }

  /** From now on the upload is another, with parts of another size. */
  recut(chunkSize: number): void {
    this.chunkSize = chunkSize
    this.uploadId = randomUUID()
    this.stored.clear()
    this.reported.clear()
  }

  /** Puts a part where an earlier run would have left it. */
  keep(index: number, bytes: Buffer): void {
    const etag = createHash('md5').update(bytes).digest('hex')
    this.stored.set(index, { bytes: Buffer.from(bytes), etag, checksum: sha256(bytes) })
    this.reported.set(index, etag)
    this.state = 'uploading'
  }

  async call({ method, url, body, signal }: CallRequest): Promise<HttpReply> {
    const { pathname, searchParams } = new URL(url)
    const call = pathname.split('/').at(-1) ?? ''
    const message: Body = body === undefined ? {} : JSON.parse(body)
    this.log.push({ call, body: message })
    await this.#clock.sleep(LATENCY_MS, signal)
    const fault = await this.#suffer(this.onCall(call, message), signal)
    if (fault === undefined || fault.status < 300) this.#learn(message.uploaded ?? message.parts)
    if (fault !== undefined) return fault
    const id = searchParams.get('upload_id') ?? uploadIdOf(message)
    if (call !== 'init' && id !== this.uploadId) return problem('UPLOAD_NOT_FOUND')
    return this.#answer(`${method} ${call}`, message, searchParams.has('reconcile'))
  }

  async putPart({ url, headers, body: sent, signal, onSent }: PutPartRequest): Promise<HttpReply> {
    const body = sent instanceof Blob ? new Uint8Array(await sent.arrayBuffer()) : sent
    const target = new URL(url)
    const index = Number(target.searchParams.get('partNumber'))
    const attempt = (this.#attempts.get(index) ?? 0) + 1
    this.#attempts.set(index, attempt)
    this.log.push({ call: `put ${index}`, body: {} })
    this.putsInFlight++
    this.mostPutsInFlight = Math.max(this.mostPutsInFlight, this.putsInFlight)
    try {
      onSent(Math.floor(body.length / 2))
      await this.#clock.sleep(LATENCY_MS * index, signal)
      const fault = await this.#suffer(this.onPut(index, attempt, target), signal)
      if (fault !== undefined) return fault
      onSent(body.length)
      return this.#store(index, Buffer.from(body), headers['x-amz-checksum-sha256'])
    } finally {
      this.putsInFlight--
    }
  }

  connectionsTo(): number {
    return this.connections
  }

  #store(index: number, bytes: Buffer, signed: string | undefined): HttpReply {
    if (this.mode === 'sha256' && signed !== sha256(bytes)) return s3Error(400, 'BadDigest')
    const etag = createHash('md5').update(bytes).digest('hex')
    this.stored.set(index, { bytes, etag, checksum: sha256(bytes) })
    return { status: 200, headers: { etag: `"${etag}"` }, body: '' }
  }

  async #suffer(fault: Fault, signal: AbortSignal): Promise<HttpReply | undefined> {
    if (fault === 'reset') throw new Error('read ECONNRESET')
    if (fault === 'hang') await this.#clock.sleep(10 ** 9, signal)
    return fault === 'hang' ? undefined : fault
  }

  #answer(call: string, body: Body, isReconciling: boolean): HttpReply {
    switch (call) {
      case 'POST init':
        if (body.checksum !== undefined && body.checksum === this.refuseChecksum) {
          return problem('INVALID_REQUEST', { field: 'checksum' })
        }
        return this.#init(body)
      case 'GET status':
        if (isReconciling) this.#reconcile()
        if (this.state === 'verifying' && --this.verifications <= 0) this.state = 'completed'
        return json(this.#status(this.reported.keys()))
      case 'POST parts':
        return json({
          upload_id: this.uploadId,
          uploaded_count: this.reported.size,
          parts: body.sign?.map((part) => this.#sign(part)) ?? [],
        })
      case 'POST complete':
        return this.#complete(body.digest)
      case 'POST abort':
        if (this.state === 'completed') return problem('WRONG_STATE', { state: 'completed' })
        this.state = 'aborted'
        return json({ upload_id: this.uploadId, state: 'aborted' })
      default:
        return problem('ROUTE_NOT_FOUND')
    }
  }

  #init({ size = 0 }: Body): HttpReply {
    const isNew = this.state === 'absent'
    if (isNew) this.state = 'uploading'
    this.size = size
    return json(this.#status(this.reported.keys()), isNew ? 201 : 200)
  }

  #complete(digest: string | undefined): HttpReply {
    const { totalChunks } = this.#layout
    const missing = missingRanges(
      totalChunks,
      (index) => this.reported.has(index) && this.stored.has(index),
    )
    if (missing.length > 0) return problem('PARTS_MISSING', { missing })
    const checksums = Array.from(
      { length: totalChunks },
      (_, i) => this.stored.get(i + 1)?.checksum ?? '',
    )
    const root = this.mode === 'sha256' ? rootOf(checksums) : undefined
    if (digest !== root) return problem('CHECKSUM_MISMATCH', { field: 'digest' })
    this.state = this.verifications > 0 ? 'verifying' : 'completed'
    if (this.state === 'verifying') {
      const reply = json({ upload_id: this.uploadId, state: 'verifying' }, 202)
      return { ...reply, headers: { 'retry-after': '2' } }
    }
    return json({ upload_id: this.uploadId, state: 'completed', object: this.#object(root) })
  }

  #object(digest: string | undefined) {
    return { bucket: 'bucket', key: 'id/film.mkv', size: this.object.length, etag: 'e-1', digest }
  }

  /** As the coordinator does: what the bucket lists is what is there. */
  #reconcile(): void {
    this.reported.clear()
    for (const [index, { etag }] of this.stored) this.reported.set(index, etag)
  }

  #learn(parts: Body['parts'] = []): void {
    for (const { index, etag } of parts) this.reported.set(index, etag.replaceAll('"', ''))
  }

  #sign({ index, checksum }: { index: number; checksum?: string }) {
    const headers = checksum === undefined ? {} : { 'x-amz-checksum-sha256': checksum }
    const query = `partNumber=${index}&X-Amz-Signature=${randomUUID()}`
    const size = partSize(this.#layout, index)
    return {
      index,
      size,
      url: `${this.bucketOrigin}/k?${query}`,
      headers,
      expires_in: this.expiresIn,
    }
  }

  #status(arrived: Iterable<number>) {
    const object = this.state === 'completed' ? this.#object(undefined) : undefined
    const uploaded = [...arrived].flatMap((index) => {
      const part = this.stored.get(index)
      const etag = part?.etag ?? this.reported.get(index) ?? ''
      const checksum = this.mode === 'sha256' ? part?.checksum : undefined
      return { index, size: partSize(this.#layout, index), etag, checksum }
    })
    return {
      ...{ upload_id: this.uploadId, state: this.state, filename: 'film.mkv', size: this.size },
      ...{ chunk_size: this.chunkSize, total_chunks: this.#layout.totalChunks, uploaded },
      ...{ checksum: this.mode, expires_in: 3_600, object },
    }
  }

  get #layout() {
    const { size, chunkSize } = this
    return { size, chunkSize, totalChunks: Math.ceil(size / chunkSize) }
  }
}

function uploadIdOf(message: object): unknown {
  return 'upload_id' in message ? message.upload_id : undefined
}

export function json(value: object, status = 200): HttpReply {
  return { status, headers: {}, body: JSON.stringify(value) }
}

export function problem(code: ErrorCode, details: object = {}): HttpReply {
  const status = ERROR_STATUS[code]
  const title = ERROR_TITLE[code]
  return json({ type: problemType(code), title, status, code, ...details }, status)
}

export function s3Error(status: number, code: string, headers = {}): HttpReply {
  return { status, headers, body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>` }
}
