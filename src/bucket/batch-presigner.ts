import { setImmediate as nextTurn } from 'node:timers/promises'
import { type S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Clock, PartSigner, PresignedPart, SignRequest } from '../coordinator/ports.js'
import type { ChecksumMode } from '../protocol/index.js'
import { partUrl, partUrlTemplate, type SigningScope, signingKey } from './part-url-template.js'
import { checksumHeader, checksumMember } from './s3-checksum.js'

export interface S3PartSignerOptions {
  /**
   * Its endpoint is the one that the URLs are for. Must have
   * `requestChecksumCalculation: 'WHEN_REQUIRED'`, or every URL carries the CRC-32 of an empty body.
   */
  readonly client: S3Client
  readonly bucket: string
  readonly clock: Pick<Clock, 'now'>
}

type PartToSign = SignRequest['parts'][number]
type Credentials = Awaited<ReturnType<S3Client['config']['credentials']>>

type SignUrl = (part: PartToSign) => string

/** SigV4 allows no more. */
const MAX_EXPIRES_IN = 7 * 24 * 60 * 60
/** Seconds by which a URL ends before the credentials that it was signed with. */
const EXPIRY_MARGIN = 60
/** URLs between two turns of the event loop: some 3 ms of work. */
const SLICE = 500
/** Batches of one second that are remembered. */
const MAX_SIGNERS = 256

/**
 * Presigns the parts of an upload in batches. The SDK signs the first URL of a batch, which settles
 * endpoint, addressing style, region and credentials; the others differ from it in part number, length and
 * checksum only, and are signed from it without the SDK, byte for byte as it would.
 *
 * That is verified for the first part of each batch, so a signature that is not plain SigV4 (directory
 * buckets, multi-region access points) or a change in the SDK is an error, never a wrong URL.
 */
export class S3PartSigner implements PartSigner {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #clock: Pick<Clock, 'now'>
  #cached: { readonly id: string; readonly key: Buffer } | undefined
  #signers: { readonly second: number; readonly byBatch: Map<string, SignUrl> } | undefined

  constructor({ client, bucket, clock }: S3PartSignerOptions) {
    this.#client = client
    this.#bucket = bucket
    this.#clock = clock
  }

  async signParts(request: SignRequest): Promise<readonly PresignedPart[]> {
    const [first] = request.parts
    if (first === undefined) return []
    const now = this.#clock.now()
    const credentials = await this.#client.config.credentials()
    const expiresIn = secondsToLive(request.expiresInSeconds, credentials.expiration, now)
    const how = { credentials, expiresIn, signingDate: new Date(now) }
    const sign = this.#knownSigner(request, how) ?? (await this.#newSigner(request, first, how))
    return inSlices(request.parts, (part) => ({
      index: part.index,
      size: part.size,
      url: sign(part),
      headers: headersOf(request, part),
      expiresIn,
    }))
  }

  /**
   * A URL is dated to the second, so a batch that follows another of the same upload within it, as those
   * of one long list do, is signed like that one.
   */
  #knownSigner(request: SignRequest, how: HowToPresign): SignUrl | undefined {
    const second = secondOf(how.signingDate)
    return this.#signers?.second === second
      ? this.#signers.byBatch.get(batchId(request, how))
      : undefined
  }

  async #newSigner(request: SignRequest, first: PartToSign, how: HowToPresign): Promise<SignUrl> {
    const sample = await this.#presign(request, first, how)
    const sign = this.#signerLike(sample, request.checksum, how.credentials)
    if (sign(first) !== sample) {
      throw new Error('URLs of this bucket are not signed by plain AWS Signature Version 4')
    }
    const second = secondOf(how.signingDate)
    const isRoomy = (this.#signers?.byBatch.size ?? 0) < MAX_SIGNERS
    if (this.#signers?.second !== second || !isRoomy) this.#signers = { second, byBatch: new Map() }
    this.#signers.byBatch.set(batchId(request, how), sign)
    return sign
  }

  /** The URL as the SDK signs it. */
  #presign(request: SignRequest, part: PartToSign, how: HowToPresign): Promise<string> {
    const checksum = requiredChecksum(request.checksum, part)
    const command = new UploadPartCommand({
      Bucket: this.#bucket,
      Key: request.key,
      UploadId: request.multipartId,
      PartNumber: part.index,
      ContentLength: part.size,
      ...checksumMember(request.checksum, checksum),
      ...(request.checksum === 'md5' && { ContentMD5: checksum }),
    })
    const header = checksumHeader(request.checksum)
    return getSignedUrl(withCredentials(this.#client, how.credentials), command, {
      expiresIn: how.expiresIn,
      signingDate: how.signingDate,
      // The SDK would move the checksum into the query, where buckets ignore it.
      ...(header && { unhoistableHeaders: new Set([header]) }),
    })
  }

  #signerLike(sample: string, mode: ChecksumMode, credentials: Credentials): SignUrl {
    const template = partUrlTemplate(sample, checksumHeader(mode))
    const key = this.#signingKey(credentials.secretAccessKey, template.scope)
    return (part: PartToSign) => {
      const checksum = requiredChecksum(mode, part)
      return partUrl(template, key, { index: part.index, size: part.size, checksum })
    }
  }

  #signingKey(secretAccessKey: string, scope: SigningScope): Buffer {
    const id = [scope.date, scope.region, scope.service, secretAccessKey].join('\n')
    if (this.#cached?.id !== id) this.#cached = { id, key: signingKey(secretAccessKey, scope) }
    return this.#cached.key
  }
}

interface HowToPresign {
  readonly credentials: Credentials
  readonly expiresIn: number
  readonly signingDate: Date
}

function secondOf(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

/** All that the URLs of a batch have in common, but for their date. */
function batchId({ key, multipartId, checksum }: SignRequest, how: HowToPresign): string {
  const { accessKeyId, secretAccessKey, sessionToken } = how.credentials
  const common = [key, multipartId, checksum, how.expiresIn]
  return JSON.stringify([...common, accessKeyId, secretAccessKey, sessionToken])
}

// The SDK resolves the credentials anew for each URL; a rotation between its call and ours would give
// one batch two keys.
function withCredentials(client: S3Client, credentials: Credentials): S3Client {
  const config = { ...client.config, credentials: async () => credentials }
  return Object.create(client, { config: { value: config } })
}

/** A URL dies with its credentials, whatever its own lifetime says. */
function secondsToLive(asked: number, credentialsEnd: Date | undefined, now: number): number {
  if (!Number.isInteger(asked) || asked < 1 || asked > MAX_EXPIRES_IN) {
    throw new RangeError(`expiresInSeconds must be a whole number from 1 to ${MAX_EXPIRES_IN}`)
  }
  if (credentialsEnd === undefined) return asked
  const left = Math.floor((credentialsEnd.getTime() - now) / 1000) - EXPIRY_MARGIN
  if (left < 1) throw new Error('The credentials of the bucket are about to end')
  return Math.min(asked, left)
}

// Empty in mode `none` alone: a URL without its checksum would admit any bytes.
function requiredChecksum(mode: ChecksumMode, part: PartToSign): string {
  if (mode === 'none') return ''
  if (!part.checksum) throw new TypeError(`Part ${part.index} has no checksum to sign`)
  return part.checksum
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})

function headersOf(request: SignRequest, part: PartToSign): Readonly<Record<string, string>> {
  const header = checksumHeader(request.checksum)
  return header === undefined ? NO_HEADERS : { [header]: requiredChecksum(request.checksum, part) }
}

async function inSlices<T, R>(items: readonly T[], each: (item: T) => R): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += SLICE) {
    if (start > 0) await nextTurn()
    for (const item of items.slice(start, start + SLICE)) results.push(each(item))
  }
  return results
}
