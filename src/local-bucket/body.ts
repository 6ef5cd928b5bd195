import type { HashMode } from '../checksum/node.js'
import { isBase64OfLength, S3_LIMITS } from '../protocol/index.js'
import { checksumHeader, checksumMode, declaredChecksum, isWellFormed } from './checksums.js'
import { Digester } from './digester.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import { decodeChunked } from './sigv4/chunked-payload.js'
import { type Payload, payloadOf } from './sigv4/payload.js'
import type { Proven } from './sigv4/verify.js'
import type { Algorithm } from './storage/records.js'

/** A request whose signature was found right, with its body still to come. */
export interface SignedCall {
  readonly request: S3Request
  readonly proven: Proven
  /** The body as it is sent. Nothing is taken from the client before the first piece is asked for. */
  readonly rawBody: () => AsyncIterable<Uint8Array>
}

/** What a body turned out to be. */
export interface BodyFacts {
  readonly size: number
  /** In hexadecimal: the ETag of a part. */
  readonly md5: string
  /** The one that was sent with the body. */
  readonly checksum: { readonly algorithm: Algorithm; readonly value: string } | undefined
}

export interface BodyOptions {
  /** Whether a checksum in the request is of its body, and not of an object. @default true */
  readonly hasChecksum?: boolean
}

interface Expectation {
  readonly mode: HashMode
  /** In base64. */
  readonly digest: () => string | undefined
  readonly mismatch: S3Error
}

/** The bytes of a request's body, checked by everything that the request says of them. */
export class CheckedBody {
  /** Bytes without the encoding, as declared. */
  readonly size: number
  readonly algorithm: Algorithm | undefined
  readonly #call: SignedCall
  readonly #payload: Payload
  readonly #expectations: readonly Expectation[]
  readonly #trailers = new Map<string, string>()
  #facts: BodyFacts | undefined

  /** Throws when what the request says of its body makes no sense. */
  constructor(call: SignedCall, { hasChecksum = true }: BodyOptions = {}) {
    const { request, proven } = call
    this.#call = call
    this.#payload = payloadOf(proven.payloadHash)
    this.size = declaredSize(request, this.#payload)
    const declared = hasChecksum ? declaredChecksum(request) : undefined
    this.algorithm = declared?.algorithm
    this.#expectations = [
      ...payloadExpectation(this.#payload),
      ...md5Expectation(request),
      ...(declared === undefined ? [] : [this.#checksumExpectation(declared)]),
    ]
  }

  /** The bytes, once. It throws at their end when they are not what the request says. */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const modes = this.#expectations.map(({ mode }) => mode)
    const digester = new Digester(['md5', ...modes])
    for await (const bytes of digester.pass(this.#decoded())) {
      if (digester.size > this.size) throw wrongLength()
      yield bytes
    }
    if (digester.size !== this.size) throw wrongLength()
    for (const { mode, digest, mismatch } of this.#expectations) {
      if (digester.digest(mode) !== digest()) throw mismatch
    }
    this.#facts = factsOf(digester, this.algorithm)
  }

  /** After the end of `bytes`. */
  get facts(): BodyFacts {
    if (this.#facts === undefined) throw new Error('The body was not read to its end')
    return this.#facts
  }

  #decoded(): AsyncIterable<Uint8Array> {
    const raw = this.#call.rawBody()
    if (this.#payload.kind === 'plain') return raw
    const { isSigned, hasTrailer } = this.#payload
    return decodeChunked(raw, {
      hasTrailer,
      onTrailer: (name, value) => void this.#trailers.set(name, value),
      ...(isSigned && { seed: this.#call.proven }),
    })
  }

  #checksumExpectation({
    algorithm,
    value,
  }: {
    algorithm: Algorithm
    value: string | undefined
  }): Expectation {
    const header = checksumHeader(algorithm)
    if (value !== undefined && !isWellFormed(algorithm, value)) {
      throw new S3Error('InvalidRequest', `Value for ${header} header is invalid`)
    }
    return {
      mode: checksumMode(algorithm),
      digest: () => value ?? this.#trailers.get(header),
      mismatch: new S3Error(
        'BadDigest',
        `The ${algorithm} you specified did not match what we received`,
      ),
    }
  }
}

/** A body that is small, such as XML. `maxBytes` is what it may have. */
export async function readText(
  call: SignedCall,
  { maxBytes, ...options }: BodyOptions & { readonly maxBytes: number },
): Promise<string> {
  const body = new CheckedBody(call, options)
  if (body.size > maxBytes) throw new S3Error('EntityTooLarge', 'The request body is too large')
  const pieces: Uint8Array[] = []
  for await (const bytes of body.bytes()) pieces.push(bytes)
  return Buffer.concat(pieces).toString()
}

function factsOf(digester: Digester, algorithm: Algorithm | undefined): BodyFacts {
  const { size, etag: md5 } = digester
  if (algorithm === undefined) return { size, md5, checksum: undefined }
  return { size, md5, checksum: { algorithm, value: digester.digest(checksumMode(algorithm)) } }
}

function payloadExpectation(payload: Payload): readonly Expectation[] {
  if (payload.kind === 'chunked' || payload.sha256 === undefined) return []
  const digest = Buffer.from(payload.sha256, 'hex').toString('base64')
  const mismatch = new S3Error(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed",
  )
  return [{ mode: 'sha256', digest: () => digest, mismatch }]
}

function md5Expectation(request: S3Request): readonly Expectation[] {
  const md5 = request.value('content-md5')
  if (md5 === undefined) return []
  if (!isBase64OfLength(md5, 16)) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified is not valid')
  }
  const mismatch = new S3Error(
    'BadDigest',
    'The Content-MD5 you specified did not match what we received',
  )
  return [{ mode: 'md5', digest: () => md5, mismatch }]
}

function declaredSize(request: S3Request, { kind }: Payload): number {
  const isChunked = kind === 'chunked'
  const text = request.value(isChunked ? 'x-amz-decoded-content-length' : 'content-length')
  const hasNone = !isChunked && request.value('transfer-encoding') === undefined
  const size = text === undefined && hasNone ? 0 : Number(text)
  if (!/^\d{1,15}$/.test(text ?? String(size))) {
    throw new S3Error('MissingContentLength', 'You must provide the length of the body')
  }
  if (size > S3_LIMITS.maxPartSize) {
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
  }
  return size
}

function wrongLength(): S3Error {
  return new S3Error('IncompleteBody', 'The body has not the length that was declared')
}
