import { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3'
import type { ReadObject, ReadObjectOutcome } from '../coordinator/ports.js'
import { unquoteEtag } from './etag.js'
import { isNoSuchObject, isPreconditionFailed } from './s3-errors.js'

export interface ReadOptions extends ReadObject {
  readonly client: S3Client
  readonly bucket: string
  /** Milliseconds until the first byte must be there, retries included. */
  readonly timeoutMs: number
  /** Milliseconds for which a reader waits for the next bytes. */
  readonly idleTimeoutMs: number
}

/** The SDK repeats only the beginning: once there are bytes, a fault is the reader's to deal with. */
export async function readObject(options: ReadOptions): Promise<ReadObjectOutcome> {
  try {
    const reply = await begin(options)
    const body = reply.Body
    if (!(body instanceof Readable)) throw new Error('GetObject: a reply without a body')
    // A fault that comes while nobody is reading is told when somebody does.
    body.on('error', () => {})
    // A bucket that knows no `If-Match` sends another object as willingly.
    const isSame = reply.ETag === undefined || unquoteEtag(reply.ETag) === options.etag
    if (!isSame || !isRange(reply, options)) {
      body.destroy()
      if (!isSame) return { kind: 'changed' }
      throw new Error('GetObject: a reply with other bytes than were asked for')
    }
    return { kind: 'found', bytes: new ObjectBytes(body, options) }
  } catch (error) {
    if (isNoSuchObject(error)) return { kind: 'absent' }
    if (isPreconditionFailed(error)) return { kind: 'changed' }
    throw error
  }
}

async function begin(options: ReadOptions): Promise<GetObjectCommandOutput> {
  const { client, bucket, key, etag, versionId, start, end, timeoutMs, signal } = options
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: key,
    IfMatch: `"${etag}"`,
    Range: `bytes=${start}-${end - 1}`,
    ...(versionId === undefined ? {} : { VersionId: versionId }),
  })
  // The signal outlives the beginning and would end the body as well, so the time limit is taken off it.
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), timeoutMs)
  try {
    const abortSignal = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
    return await client.send(command, { abortSignal })
  } finally {
    clearTimeout(timer)
  }
}

/** A server may answer 200 with the whole object, whatever range it was asked for (RFC 9110, 14.2). */
function isRange(reply: GetObjectCommandOutput, { start, end }: ReadOptions): boolean {
  if (reply.ContentLength !== end - start) return false
  if (reply.ContentRange === undefined) return start === 0
  return reply.ContentRange.startsWith(`bytes ${start}-${end - 1}/`)
}

type Reading = Pick<ReadOptions, 'start' | 'end' | 'idleTimeoutMs' | 'signal'>

/**
 * The body, to be read once. No generator: `return` must give the connection back even where nobody has
 * read anything yet.
 */
class ObjectBytes implements AsyncIterableIterator<Uint8Array> {
  readonly #body: Readable
  readonly #chunks: AsyncIterator<unknown>
  readonly #options: Reading
  readonly #onAbort = () => this.#body.destroy(new Error('The reading was ended'))
  #left: number
  #isReleased = false

  constructor(body: Readable, options: Reading) {
    this.#body = body
    this.#chunks = body[Symbol.asyncIterator]()
    this.#options = options
    this.#left = options.end - options.start
    const { signal } = options
    if (signal?.aborted) this.#onAbort()
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isReleased) return { done: true, value: undefined }
    try {
      const { done, value } = await this.#arrival()
      if (done) return this.#ended()
      if (!(value instanceof Uint8Array)) throw new TypeError('GetObject: a body that is not bytes')
      this.#left -= value.length
      return { done: false, value }
    } catch (error) {
      this.#release()
      this.#options.signal?.throwIfAborted()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#release()
    return { done: true, value: undefined }
  }

  #ended(): IteratorResult<Uint8Array> {
    if (this.#left !== 0) throw new Error(`GetObject: ${this.#left} bytes did not come`)
    this.#release()
    return { done: true, value: undefined }
  }

  /** The time between two readings is the reader's own and does not count. */
  async #arrival(): Promise<IteratorResult<unknown>> {
    const { idleTimeoutMs } = this.#options
    const timer = setTimeout(() => {
      this.#body.destroy(new Error(`GetObject: no byte for ${idleTimeoutMs} ms`))
    }, idleTimeoutMs)
    try {
      return await this.#chunks.next()
    } finally {
      clearTimeout(timer)
    }
  }

  #release(): void {
    this.#isReleased = true
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#body.destroy()
  }
}
