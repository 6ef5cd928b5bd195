import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import type {
  Bucket,
  CompleteMultipart,
  CompleteMultipartOutcome,
  CreateMultipart,
  HeadObject,
  HeadObjectOutcome,
  ListMultipartOutcome,
  ListPartsOutcome,
  MultipartTarget,
  ReadObject,
  ReadObjectOutcome,
  RemoveObject,
} from '../coordinator/ports.js'
import { unquoteEtag } from './etag.js'
import { listAllParts } from './list-all-parts.js'
import { listUploadsOfKey } from './list-uploads-of-key.js'
import { readObject } from './read-object.js'
import { removeObject } from './remove-object.js'
import { checksumMember, KEPT_MODES, readChecksum, s3Checksum } from './s3-checksum.js'
import { completeOutcome, isNoSuchUpload, isNotFound, isRefusedForGood } from './s3-errors.js'

export interface S3BucketOptions {
  readonly bucket: string
  /**
   * Must have `requestChecksumCalculation: 'WHEN_REQUIRED'`; by the SDK's default every multipart upload
   * would be opened with CRC-32, also one of mode `none`. And `responseChecksumValidation: 'WHEN_REQUIRED'`,
   * since what is read is hashed by whoever reads it.
   */
  readonly client: S3Client
  /**
   * Sends CompleteMultipartUpload. Must have `maxAttempts: 1`: that call must not be repeated behind the
   * coordinator's back, see {@link S3Bucket}.
   */
  readonly completionClient: S3Client
  /**
   * Whether Complete is sent with `If-None-Match: *`, so that an object is never replaced. The bucket
   * must know it, or it is silently ignored.
   * @default false
   */
  readonly refuseReplacing?: boolean
  /** Milliseconds, retries included. @default 60_000 */
  readonly timeoutMs?: number
  /** Milliseconds; S3 may take minutes to put a large object together. @default 300_000 */
  readonly completeTimeoutMs?: number
  /** Milliseconds that a reader of an object waits for the next bytes. @default 30_000 */
  readonly idleTimeoutMs?: number
  /** Entries a page of a list, at most what the bucket allows. @default the bucket's own */
  readonly pageSize?: number
}

/**
 * The port `Bucket` over AWS SDK v3. It needs `s3:PutObject`, `s3:AbortMultipartUpload`,
 * `s3:ListMultipartUploadParts`, `s3:GetObject` (for HEAD and for verifying), and `s3:ListBucket` (without
 * which HEAD answers 403, not 404, for an object that is not there). With `s3:DeleteObject` it removes
 * objects that are not what they were said to be; on a bucket with versions, AWS asks for
 * `s3:GetObjectVersion` and `s3:DeleteObjectVersion` as well. With `s3:ListBucketMultipartUploads` it finds
 * multipart uploads again whose record was lost; without, such are opened anew.
 *
 * The SDK repeats every call but one. A repeated CompleteMultipartUpload may be answered `InvalidPart` by
 * MinIO, whose first attempt has moved the parts away already; only a caller that knows of both attempts
 * can read that answer. So it is sent once, and the coordinator decides what to do when it fails.
 */
export class S3Bucket implements Bucket {
  readonly name: string
  readonly #options: S3BucketOptions

  constructor(options: S3BucketOptions) {
    this.name = options.bucket
    this.#options = options
  }

  async createMultipartUpload(request: CreateMultipart): Promise<{ readonly multipartId: string }> {
    const checksum = s3Checksum(request.checksum)
    const command = new CreateMultipartUploadCommand({
      Bucket: this.name,
      Key: request.key,
      // MinIO guesses a type from the key's extension when none is given, and `text/html` is no guess
      // to make about a stranger's bytes.
      ContentType: request.contentType ?? 'application/octet-stream',
      ...(request.contentDisposition !== undefined && {
        ContentDisposition: request.contentDisposition,
      }),
      Metadata: { ...request.metadata },
      ...(checksum && { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type }),
    })
    const reply = await this.#options.client.send(command, this.#limits())
    if (!reply.UploadId) throw new Error('CreateMultipartUpload: a reply without UploadId')
    return { multipartId: reply.UploadId }
  }

  async listParts(target: MultipartTarget): Promise<ListPartsOutcome> {
    const { client, pageSize } = this.#options
    const limits = this.#limits()
    try {
      const parts = await listAllParts({
        ...target,
        bucket: this.name,
        pageSize,
        send: (command) => client.send(command, limits),
      })
      return { kind: 'listed', parts }
    } catch (error) {
      if (isNoSuchUpload(error)) return { kind: 'gone' }
      throw error
    }
  }

  async listMultipartUploads(key: string): Promise<ListMultipartOutcome> {
    const { client, pageSize } = this.#options
    const limits = this.#limits()
    try {
      const uploads = await listUploadsOfKey({
        bucket: this.name,
        key,
        pageSize,
        send: (command) => client.send(command, limits),
      })
      return { kind: 'listed', uploads }
    } catch (error) {
      if (isRefusedForGood(error)) return { kind: 'unsupported' }
      throw error
    }
  }

  async completeMultipartUpload(request: CompleteMultipart): Promise<CompleteMultipartOutcome> {
    const { completionClient, completeTimeoutMs = 300_000 } = this.#options
    try {
      await completionClient.send(this.#completeCommand(request), limitsOf(completeTimeoutMs))
      return { kind: 'completed' }
    } catch (error) {
      const outcome = completeOutcome(error)
      if (outcome === undefined) throw error
      return outcome
    }
  }

  async abortMultipartUpload(target: MultipartTarget): Promise<'aborted' | 'gone'> {
    const command = new AbortMultipartUploadCommand({
      Bucket: this.name,
      Key: target.key,
      UploadId: target.multipartId,
    })
    try {
      await this.#options.client.send(command, this.#limits())
      return 'aborted'
    } catch (error) {
      if (isNoSuchUpload(error)) return 'gone'
      throw error
    }
  }

  async headObject(key: string): Promise<HeadObjectOutcome> {
    const command = new HeadObjectCommand({
      Bucket: this.name,
      Key: key,
      ChecksumMode: 'ENABLED',
    })
    try {
      const reply = await this.#options.client.send(command, this.#limits())
      return { kind: 'found', object: toHeadObject(reply) }
    } catch (error) {
      if (isNotFound(error)) return { kind: 'absent' }
      throw error
    }
  }

  readObject(request: ReadObject): Promise<ReadObjectOutcome> {
    const { client, timeoutMs = 60_000, idleTimeoutMs = 30_000 } = this.#options
    return readObject({ ...request, client, bucket: this.name, timeoutMs, idleTimeoutMs })
  }

  removeObject(request: RemoveObject): Promise<'removed' | 'absent' | 'changed' | 'outdated'> {
    const { client } = this.#options
    return removeObject({ ...request, client, bucket: this.name, ...this.#limits() })
  }

  async check(): Promise<void> {
    await this.#options.client.send(new HeadBucketCommand({ Bucket: this.name }), this.#limits())
  }

  #completeCommand(request: CompleteMultipart): CompleteMultipartUploadCommand {
    const { checksum: mode, digest, parts } = request
    return new CompleteMultipartUploadCommand({
      Bucket: this.name,
      Key: request.key,
      UploadId: request.multipartId,
      MultipartUpload: {
        Parts: parts.map(({ index, etag, checksum }) => ({
          PartNumber: index,
          ETag: `"${etag}"`,
          ...checksumMember(mode, checksum),
        })),
      },
      MpuObjectSize: request.size,
      ...checksumMember(mode, digest),
      ...(digest !== undefined && { ChecksumType: s3Checksum(mode)?.type }),
      ...(this.#options.refuseReplacing && { IfNoneMatch: '*' }),
    })
  }

  #limits(): CallLimits {
    return { abortSignal: AbortSignal.timeout(this.#options.timeoutMs ?? 60_000) }
  }
}

interface CallLimits {
  readonly abortSignal: AbortSignal
  readonly requestTimeout?: number
}

// `requestTimeout` overrides the handler's shorter one, but ends with the reply's headers, which S3 may
// send long before its body; the signal bounds the whole call.
function limitsOf(timeoutMs: number): CallLimits {
  return { abortSignal: AbortSignal.timeout(timeoutMs), requestTimeout: timeoutMs }
}

function toHeadObject(reply: HeadObjectCommandOutput): HeadObject {
  const { ContentLength: size, ETag: etag } = reply
  if (size === undefined || etag === undefined) {
    throw new Error('HeadObject: a reply without size or ETag')
  }
  const kept = KEPT_MODES.map((mode) => [mode, readChecksum(mode, reply)] as const)
  return {
    size,
    etag: unquoteEtag(etag),
    metadata: reply.Metadata ?? {},
    digests: Object.fromEntries(kept.filter(([, digest]) => digest !== undefined)),
    ...(reply.VersionId === undefined ? {} : { versionId: reply.VersionId }),
  }
}
