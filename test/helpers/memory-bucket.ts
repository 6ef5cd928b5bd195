import { createHash, randomUUID } from 'node:crypto'
import type {
  Bucket,
  Clock,
  CompleteMultipart,
  CompleteMultipartOutcome,
  CreateMultipart,
  HeadObject,
  HeadObjectOutcome,
  ListMultipartOutcome,
  ListPartsOutcome,
  MultipartTarget,
  PartSigner,
  PresignedPart,
  ReadObject,
  ReadObjectOutcome,
  RemoveObject,
  SignRequest,
} from '../../src/coordinator/ports.js'
import { S3_LIMITS } from '../../src/protocol/index.js'
import { checksumOf, objectDigestOf, objectEtagOf } from './memory-bucket-digest.js'
import {
  MemoryBucketServer,
  type PutFault,
  type PutPart,
  type StoredPart,
} from './memory-bucket-server.js'

export type BucketCall = Exclude<keyof Bucket, 'name'>

type Hook = (name: BucketCall, args: readonly unknown[]) => void | Promise<void>

export interface MemoryBucketOptions {
  /** Smallest part but the last, in bytes. @default 5 MiB */
  readonly minPartSize?: number
  /** When URLs end. @default the clock of the machine */
  readonly clock?: Pick<Clock, 'now'>
}

/** Read at once, at most. */
const READ_BYTES = 64 * 1024

interface MultipartUpload extends CreateMultipart {
  readonly parts: Map<number, StoredPart>
  readonly initiatedAt: number
}

interface MemoryObject extends HeadObject {
  readonly bytes: Buffer
  readonly contentType: string
  readonly contentDisposition?: string
}

/**
 * A bucket in memory that behaves as MinIO does, also where that is unkind: Complete without a digest
 * makes a truncated object when parts are left out, and Complete repeated says `NoSuchUpload`.
 *
 * Between `start()` and `stop()` its part URLs are served on 127.0.0.1. Faults are injected by the hooks: a
 * hook that throws before a call leaves the bucket as it was; one that throws after it has lost the reply.
 */
export class MemoryBucket implements Bucket, PartSigner {
  readonly name = 'memory'
  /** The bucket's calls so far, in order. Signing and PUTs are not among them. */
  readonly calls: BucketCall[] = []
  /** The PUTs so far that were admitted by their URL, in order. */
  readonly puts: PutPart[] = []
  onCall: Hook = () => {}
  after: Hook = () => {}
  /** Called before each piece of an object that is read; to throw is to break the stream off. */
  onRead: (key: string, position: number) => void | Promise<void> = () => {}
  onPut: (put: PutPart) => PutFault = () => undefined
  afterPut: (put: PutPart) => PutFault = () => undefined

  readonly #uploads = new Map<string, MultipartUpload>()
  readonly #objects = new Map<string, MemoryObject>()
  readonly #minPartSize: number
  readonly #now: () => number
  readonly #server: MemoryBucketServer

  constructor({ minPartSize = S3_LIMITS.minPartSize, clock }: MemoryBucketOptions = {}) {
    this.#minPartSize = minPartSize
    this.#now = () => clock?.now() ?? Date.now()
    this.#server = new MemoryBucketServer({
      store: (put, part) => this.#store(put, part),
      before: (put) => {
        this.puts.push(put)
        return this.onPut(put)
      },
      after: (put) => this.afterPut(put),
      now: this.#now,
    })
  }

  start(): Promise<void> {
    return this.#server.start()
  }

  stop(): Promise<void> {
    return this.#server.stop()
  }

  async signParts(request: SignRequest): Promise<readonly PresignedPart[]> {
    return request.parts.map((part) => this.#server.sign(request, part))
  }

  createMultipartUpload(request: CreateMultipart): Promise<{ readonly multipartId: string }> {
    return this.#call('createMultipartUpload', [request], async () => {
      const multipartId = randomUUID()
      this.#uploads.set(multipartId, { ...request, parts: new Map(), initiatedAt: this.#now() })
      return { multipartId }
    })
  }

  listParts(target: MultipartTarget): Promise<ListPartsOutcome> {
    return this.#call<ListPartsOutcome>('listParts', [target], async () => {
      const upload = this.#find(target)
      if (upload === undefined) return { kind: 'gone' }
      const isKept = upload.checksum !== 'md5' && upload.checksum !== 'none'
      const parts = [...upload.parts].map(([index, { bytes, etag, checksum }]) => ({
        index,
        size: bytes.length,
        etag,
        ...(isKept && checksum !== undefined ? { checksum } : {}),
      }))
      return { kind: 'listed', parts: parts.sort((a, b) => a.index - b.index) }
    })
  }

  listMultipartUploads(key: string): Promise<ListMultipartOutcome> {
    return this.#call<ListMultipartOutcome>('listMultipartUploads', [key], async () => {
      const uploads = [...this.#uploads]
        .filter(([, upload]) => upload.key === key)
        .map(([multipartId, { initiatedAt }]) => ({ multipartId, initiatedAt }))
        .reverse()
      return { kind: 'listed', uploads: uploads.sort((a, b) => b.initiatedAt - a.initiatedAt) }
    })
  }

  completeMultipartUpload(request: CompleteMultipart): Promise<CompleteMultipartOutcome> {
    return this.#call('completeMultipartUpload', [request], async () => {
      const upload = this.#find(request)
      if (upload === undefined) return { kind: 'gone' }
      const parts = this.#claimedParts(upload, request)
      if (!Array.isArray(parts)) return parts
      const digest = await objectDigestOf(upload.checksum, parts)
      if (request.digest !== undefined && request.digest !== digest) {
        return { kind: 'digest-differs' }
      }
      // Of completions that race, one finds the upload still there.
      if (!this.#uploads.delete(request.multipartId)) return { kind: 'gone' }
      this.#objects.set(request.key, toObject(upload, parts, digest))
      return { kind: 'completed' }
    })
  }

  abortMultipartUpload(target: MultipartTarget): Promise<'aborted' | 'gone'> {
    return this.#call<'aborted'>('abortMultipartUpload', [target], async () => {
      if (this.#find(target) !== undefined) this.#uploads.delete(target.multipartId)
      // MinIO says 204 whether or not there was anything to abort.
      return 'aborted'
    })
  }

  headObject(key: string): Promise<HeadObjectOutcome> {
    return this.#call<HeadObjectOutcome>('headObject', [key], async () => {
      const object = this.#objects.get(key)
      if (object === undefined) return { kind: 'absent' }
      const { size, etag, metadata, digests } = object
      return { kind: 'found', object: { size, etag, metadata, digests } }
    })
  }

  readObject(request: ReadObject): Promise<ReadObjectOutcome> {
    return this.#call<ReadObjectOutcome>('readObject', [request], async () => {
      request.signal?.throwIfAborted()
      const object = this.#objects.get(request.key)
      if (object === undefined) return { kind: 'absent' }
      if (object.etag !== request.etag) return { kind: 'changed' }
      return { kind: 'found', bytes: this.#read(object.bytes, request) }
    })
  }

  removeObject(request: RemoveObject): Promise<'removed' | 'absent' | 'changed' | 'outdated'> {
    return this.#call('removeObject', [request], async () => {
      const object = this.#objects.get(request.key)
      if (object === undefined) return 'absent'
      if (object.etag !== request.etag) return 'changed'
      if (request.mayRemove?.() === false) return 'outdated'
      this.#objects.delete(request.key)
      return 'removed'
    })
  }

  /** The headers with which an object is given to those who get it. */
  served(key: string): { type: string | undefined; disposition: string | undefined } {
    const object = this.#objects.get(key)
    return { type: object?.contentType, disposition: object?.contentDisposition }
  }

  check(): Promise<void> {
    return this.#call('check', [], async () => {})
  }

  /** Puts a part without HTTP, as if it had come through a URL. Gives what a client would report. */
  async putPart(put: PutPart, bytes: Uint8Array): Promise<{ etag: string; checksum?: string }> {
    const upload = this.#find(put)
    if (upload === undefined) throw new Error('No such upload')
    const checksum = await checksumOf(upload.checksum, bytes)
    const etag = createHash('md5').update(bytes).digest('hex')
    this.#store(put, { bytes: Buffer.from(bytes), etag, checksum })
    return { etag, ...(checksum === undefined ? {} : { checksum }) }
  }

  /** The object as stored, for assertions. */
  object(key: string): MemoryObject | undefined {
    return this.#objects.get(key)
  }

  /** Somebody else writes under the key of an object that is there. */
  replaceObject(key: string, bytes: Buffer): void {
    const object = this.#objects.get(key)
    if (object === undefined) throw new Error(`There is no object ${key}`)
    const etag = createHash('md5').update(bytes).digest('hex')
    this.#objects.set(key, { ...object, bytes, etag, size: bytes.length, metadata: {} })
  }

  deleteObject(key: string): void {
    this.#objects.delete(key)
  }

  /** The multipart uploads that are open, for assertions. */
  openUploads(): MultipartTarget[] {
    return [...this.#uploads].map(([multipartId, { key }]) => ({ key, multipartId }))
  }

  /** Lets a multipart upload vanish, as a clean-up rule of the bucket would. */
  forget(multipartId: string): void {
    this.#uploads.delete(multipartId)
  }

  #find({ key, multipartId }: MultipartTarget): MultipartUpload | undefined {
    const upload = this.#uploads.get(multipartId)
    return upload?.key === key ? upload : undefined
  }

  #store(put: PutPart, part: StoredPart): string | undefined {
    const upload = this.#find(put)
    if (upload === undefined) return 'NoSuchUpload'
    const needsChecksum = upload.checksum !== 'md5' && upload.checksum !== 'none'
    if (needsChecksum && part.checksum === undefined) return 'InvalidArgument'
    upload.parts.set(put.index, part)
    return undefined
  }

  #claimedParts(
    upload: MultipartUpload,
    request: CompleteMultipart,
  ): Buffer[] | CompleteMultipartOutcome {
    const bytes: Buffer[] = []
    let last = 0
    for (const [position, claimed] of request.parts.entries()) {
      const part = upload.parts.get(claimed.index)
      const isAsClaimed = part?.etag === claimed.etag && claimed.index > last
      if (part === undefined || !isAsClaimed) return { kind: 'invalid-part' }
      const keeps = upload.checksum !== 'md5' && upload.checksum !== 'none'
      if (keeps && claimed.checksum !== part.checksum) return { kind: 'invalid-part' }
      const isLast = position === request.parts.length - 1
      if (!isLast && part.bytes.length < this.#minPartSize) return { kind: 'part-too-small' }
      last = claimed.index
      bytes.push(part.bytes)
    }
    return bytes.length === 0 ? { kind: 'invalid-part' } : bytes
  }

  async *#read(bytes: Buffer, { key, start, end, signal }: ReadObject): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; at += READ_BYTES) {
      await this.onRead(key, at)
      signal?.throwIfAborted()
      yield bytes.subarray(at, Math.min(at + READ_BYTES, end))
    }
  }

  async #call<T>(name: BucketCall, args: readonly unknown[], run: () => Promise<T>): Promise<T> {
    this.calls.push(name)
    await this.onCall(name, args)
    const result = await run()
    await this.after(name, args)
    return result
  }
}

function toObject(
  upload: MultipartUpload,
  parts: readonly Buffer[],
  digest: string | undefined,
): MemoryObject {
  const bytes = Buffer.concat(parts)
  return {
    bytes,
    size: bytes.length,
    etag: objectEtagOf(parts),
    contentType: upload.contentType ?? 'application/octet-stream',
    ...(upload.contentDisposition !== undefined && {
      contentDisposition: upload.contentDisposition,
    }),
    metadata: upload.metadata,
    digests: digest === undefined ? {} : { [upload.checksum]: digest },
  }
}
