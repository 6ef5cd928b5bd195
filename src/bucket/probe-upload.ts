import { hashBytes } from '../checksum/node.js'
import { objectDigest } from '../checksum/object-digest.js'
import type { Bucket, CompleteMultipart, PartSigner } from '../coordinator/ports.js'
import { TOKEN_METADATA_KEY } from '../coordinator/session.js'
import type { ChecksumMode } from '../protocol/index.js'
import { unquoteEtag } from './etag.js'
import type { Answer } from './probe-report.js'
import type { PutReply, putPart } from './put-part.js'
import { StatusError } from './status-error.js'

const BYTES = Buffer.from('partway probe')
/** As long as `BYTES`. */
const OTHER_BYTES = Buffer.from('partway qrobe')
const LONGER_BYTES = Buffer.from('partway probes')

/** Of `BYTES` and `OTHER_BYTES`, so that the server need not load what computes them. */
const KNOWN = {
  crc32c: ['XiEfKg==', 'ZjBwhg=='],
  crc64nvme: ['Bupi+h6r/SA=', 'Mdd3DZo7oD4='],
} as const

const URL_SECONDS = 60

/** What a tiny upload needs of the bucket under test. */
export interface TinyUploadOptions {
  readonly bucket: Bucket
  readonly signer: PartSigner
  readonly put: typeof putPart
  readonly key: string
  readonly token: string
  readonly mode: ChecksumMode
}

/** A multipart upload of one part of a few bytes. */
export class TinyUpload {
  readonly multipartId: string
  /** The object-level digest that it will have; absent in modes that have none. */
  readonly digest: string | undefined
  readonly #options: TinyUploadOptions
  readonly #checksum: string | undefined
  #etag = ''

  private constructor(options: TinyUploadOptions, opened: Opened) {
    this.#options = options
    this.multipartId = opened.multipartId
    this.digest = opened.digest
    this.#checksum = opened.checksum
  }

  static async open(options: TinyUploadOptions): Promise<TinyUpload> {
    const { bucket, key, mode, token } = options
    const checksum = await checksumOf(mode, BYTES)
    const { multipartId } = await bucket.createMultipartUpload({
      key,
      checksum: mode,
      metadata: { [TOKEN_METADATA_KEY]: token },
    })
    return new TinyUpload(options, { multipartId, checksum, digest: await digestOf(mode, BYTES) })
  }

  /** Whether the URL of the part refuses other bytes of the same length. */
  refusesOtherBytes(): Promise<Answer> {
    return this.#refuses(OTHER_BYTES)
  }

  /** Whether the URL of the part refuses more bytes than it was signed for. */
  refusesOtherLength(): Promise<Answer> {
    return this.#refuses(LONGER_BYTES)
  }

  async send(): Promise<void> {
    const { status, etag } = await this.#put(BYTES)
    if (!isSuccess(status) || etag === undefined) throw new StatusError('PutPart', status)
    this.#etag = unquoteEtag(etag)
  }

  /** `as`: the same bucket, told to complete in another way. */
  complete({ digest = this.digest, as = this.#options.bucket }: CompleteTiny = {}) {
    const { key, mode } = this.#options
    const part = { index: 1, etag: this.#etag }
    const request: CompleteMultipart = {
      key,
      multipartId: this.multipartId,
      checksum: mode,
      parts: [this.#checksum === undefined ? part : { ...part, checksum: this.#checksum }],
      size: BYTES.length,
      ...(digest === undefined ? {} : { digest }),
    }
    return as.completeMultipartUpload(request)
  }

  /** A well-formed digest that is not this upload's. */
  otherDigest(): Promise<string | undefined> {
    return digestOf(this.#options.mode, OTHER_BYTES)
  }

  /** After it nothing of the upload is there but an object, if it was completed. */
  async giveUp(): Promise<void> {
    const { bucket, key } = this.#options
    await bucket.abortMultipartUpload({ key, multipartId: this.multipartId })
  }

  async #refuses(bytes: Uint8Array): Promise<Answer> {
    const { status } = await this.#put(bytes)
    if (isSuccess(status)) return 'no'
    return status >= 400 && status < 500 ? 'yes' : 'unknown'
  }

  async #put(bytes: Uint8Array): Promise<PutReply> {
    const { signer, key, mode } = this.#options
    const part = { index: 1, size: BYTES.length }
    const [signed] = await signer.signParts({
      key,
      multipartId: this.multipartId,
      checksum: mode,
      parts: [this.#checksum === undefined ? part : { ...part, checksum: this.#checksum }],
      expiresInSeconds: URL_SECONDS,
    })
    if (signed === undefined) throw new Error('The signer signed nothing')
    const { url, headers } = signed
    return this.#options.put({ url, headers, body: bytes })
  }
}

interface Opened {
  readonly multipartId: string
  readonly checksum: string | undefined
  readonly digest: string | undefined
}

interface CompleteTiny {
  readonly digest?: string | undefined
  readonly as?: Bucket
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

async function checksumOf(mode: ChecksumMode, bytes: Uint8Array): Promise<string | undefined> {
  if (mode === 'none') return undefined
  if (mode === 'crc32c' || mode === 'crc64nvme') return KNOWN[mode][bytes === BYTES ? 0 : 1]
  return hashBytes(mode, bytes)
}

async function digestOf(mode: ChecksumMode, bytes: Uint8Array): Promise<string | undefined> {
  const checksum = (await checksumOf(mode, bytes)) ?? ''
  return objectDigest(mode, [{ checksum, size: bytes.length }])
}
