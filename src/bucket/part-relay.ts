import { Readable } from 'node:stream'
import {
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
  type UploadPartCommandInput,
} from '@aws-sdk/client-s3'
import type { PartRelay, PutPart, PutPartOutcome } from '../coordinator/ports.js'
import { CHECKSUM_BYTES } from '../protocol/index.js'
import { chunkedBody, chunkedLength, type Trailer } from './chunked-body.js'
import { unquoteEtag } from './etag.js'
import { Patience } from './patience.js'
import { checksumMember, s3Checksum } from './s3-checksum.js'
import { isNoSuchUpload } from './s3-errors.js'
import { statusOf } from './status-error.js'

export interface S3PartRelayOptions {
  readonly bucket: string
  /**
   * Must have `requestChecksumCalculation: 'WHEN_REQUIRED'` and `maxAttempts: 1`, since a stream can be read
   * once, and no time limit of its own for a whole request: a part takes as long as its client.
   */
  readonly client: S3Client
  /** Milliseconds in which the bucket must take the next bytes, or answer. @default 60_000 */
  readonly timeoutMs?: number
}

const ASK_TIMEOUT_MS = 10_000

/**
 * The port `PartRelay` over AWS SDK v3, by UploadPart
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html). It needs `s3:PutObject`, and
 * `s3:ListMultipartUploadParts` to tell a lost upload from a lost connection.
 *
 * A checksum that is known before the bytes goes into a signed header, any other into a trailer.
 */
export class S3PartRelay implements PartRelay {
  readonly #options: S3PartRelayOptions

  constructor(options: S3PartRelayOptions) {
    this.#options = options
  }

  async putPart(request: PutPart): Promise<PutPartOutcome> {
    const { bucket, client, timeoutMs = 60_000 } = this.#options
    const broken = new AbortController()
    const patience = new Patience(timeoutMs, () => broken.abort())
    const trailer = trailerOf(request)
    const bytes = patience.with(request.bytes)
    const body = Readable.from(trailer === undefined ? bytes : chunkedBody(bytes, trailer), {
      objectMode: false,
    })
    let failure: { readonly error: unknown } | undefined
    // The SDK would wait for the rest of a stream that has failed.
    body.on('error', (error) => {
      failure ??= { error }
      broken.abort()
    })
    const command = new UploadPartCommand({
      Bucket: bucket,
      Key: request.key,
      UploadId: request.multipartId,
      PartNumber: request.index,
      Body: body,
      ContentLength: trailer === undefined ? request.size : chunkedLength(request.size, trailer),
      ...knownBefore(request),
    })
    sendHeaders(command, headersOf(request, trailer))
    try {
      const reply = await client.send(command, { abortSignal: broken.signal, requestTimeout: 0 })
      if (!reply.ETag) throw new Error('UploadPart: a reply without ETag')
      return { kind: 'stored', etag: unquoteEtag(reply.ETag) }
    } catch (error) {
      // A request that was not sent to its end would keep its connection.
      broken.abort()
      if (failure !== undefined) throw failure.error
      if (patience.isOver) throw new Error('The bucket takes no more bytes', { cause: error })
      if (isNoSuchUpload(error) || (await this.#isGone(request, error))) return { kind: 'gone' }
      throw error
    } finally {
      patience.end()
      body.destroy()
    }
  }

  /** VersityGW resets the connection while it refuses a part, and the refusal is lost. */
  async #isGone({ key, multipartId }: PutPart, error: unknown): Promise<boolean> {
    if (statusOf(error) !== undefined) return false
    const { bucket, client } = this.#options
    const target = { Bucket: bucket, Key: key, UploadId: multipartId }
    const command = new ListPartsCommand({ ...target, MaxParts: 1 })
    const abortSignal = AbortSignal.timeout(ASK_TIMEOUT_MS)
    return client.send(command, { abortSignal }).then(() => false, isNoSuchUpload)
  }
}

/** What the SDK sends as signed headers. */
function knownBefore({ checksum, value, contentHash }: PutPart): Partial<UploadPartCommandInput> {
  if (s3Checksum(checksum) !== undefined) {
    return typeof value === 'string' ? checksumMember(checksum, value) : {}
  }
  return isSha256(contentHash)
    ? {}
    : { ContentMD5: Buffer.from(contentHash, 'hex').toString('base64') }
}

function trailerOf({ checksum, value }: PutPart): Trailer | undefined {
  const { header } = s3Checksum(checksum) ?? {}
  if (header === undefined || typeof value !== 'function') return undefined
  return { name: header, valueLength: Math.ceil(CHECKSUM_BYTES[checksum] / 3) * 4, value }
}

function headersOf(
  { size, checksum, contentHash }: PutPart,
  trailer: Trailer | undefined,
): Record<string, string> {
  if (trailer !== undefined) {
    return {
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(size),
      'x-amz-trailer': trailer.name,
    }
  }
  const isUnchecked = s3Checksum(checksum) === undefined && isSha256(contentHash)
  return isUnchecked ? { 'x-amz-content-sha256': contentHash } : {}
}

function isSha256(hex: string): boolean {
  return hex.length === 64
}

/** Before the request is signed, so that they are. */
function sendHeaders(command: UploadPartCommand, headers: Record<string, string>): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args
      if (typeof request === 'object' && request !== null && 'headers' in request) {
        Object.assign(request.headers ?? {}, headers)
      }
      return next(args)
    },
    { step: 'build', name: 'partHeaders' },
  )
}
