import { randomUUID } from 'node:crypto'
import { createPartway } from '../../src/coordinator/create-partway.js'
import type { ContentCheck } from '../../src/coordinator/first-bytes.js'
import type { Limits } from '../../src/coordinator/limits.js'
import type { Caller, Partway, SignedBatches } from '../../src/coordinator/partway.js'
import type { Bucket, PartSigner, SessionStore } from '../../src/coordinator/ports.js'
import type { CoordinatorSettings } from '../../src/coordinator/settings.js'
import { UploadError } from '../../src/coordinator/upload-error.js'
import type {
  ChecksumMode,
  InitReply,
  InitRequest,
  ReportedPart,
  SignedPart,
} from '../../src/protocol/index.js'
import { BucketTap, tapped } from '../helpers/observed-bucket.js'
import type { SampleFile } from '../helpers/sample-file.js'
import { TestClock } from '../helpers/test-clock.js'

/** The parts of a coordinator that a test may take hold of. */
export interface PartwayServices {
  readonly store: SessionStore
  readonly bucket: Bucket
  readonly signer: PartSigner
  /** Another store of the same kind with nothing in it; closed with the rest. */
  emptyStore(): Promise<SessionStore>
  /** Removes an object behind the coordinator's back. */
  deleteObject(key: string): Promise<void>
  /** How the bucket gives an object to whoever asks for it. */
  served(key: string): Promise<Served>
  close(): Promise<void>
}

export interface Served {
  readonly type: string | undefined
  readonly disposition: string | undefined
}

const SECRET = 'a secret of thirty-two bytes or more'

export interface DriverOptions {
  /** @default an owner of its own */
  readonly caller?: Caller
  readonly settings?: Partial<CoordinatorSettings>
  /** @default none */
  readonly contentCheck?: ContentCheck
  readonly limits?: Limits
}

/** A coordinator on given services, driven the way a client would. */
export class PartwayDriver {
  readonly clock = new TestClock()
  readonly tap = new BucketTap()
  readonly caller: Caller
  readonly #settings: Partial<CoordinatorSettings>
  readonly #contentCheck: ContentCheck | undefined
  readonly #limits: Limits

  #services: PartwayServices
  #partway: Partway

  constructor(services: PartwayServices, options: DriverOptions = {}) {
    this.#services = services
    this.caller = options.caller ?? { owner: `owner ${randomUUID()}` }
    this.#settings = options.settings ?? {}
    this.#contentCheck = options.contentCheck
    this.#limits = options.limits ?? {}
    this.#partway = this.another()
  }

  /** The same caller with other services. */
  on(services: PartwayServices): PartwayDriver {
    const { caller } = this
    return new PartwayDriver(services, { caller, settings: this.#settings, limits: this.#limits })
  }

  get services(): PartwayServices {
    return this.#services
  }

  get partway(): Partway {
    return this.#partway
  }

  /** From now on with an empty store on the same bucket, as if the one before had been emptied. */
  async loseStore(): Promise<void> {
    this.#services = { ...this.#services, store: await this.#services.emptyStore() }
    this.#partway = this.another()
  }

  /** Another coordinator on the same services, as another process would be. */
  another(): Partway {
    const { store, signer, bucket } = this.#services
    return createPartway({
      store,
      signer,
      bucket: tapped(bucket, this.tap),
      secret: SECRET,
      clock: this.clock,
      settings: this.#settings,
      ...(this.#contentCheck && { contentCheck: this.#contentCheck }),
      limits: this.#limits,
    })
  }

  async init(file: SampleFile, request: Partial<InitRequest> = {}): Promise<InitReply> {
    const { reply, parts } = await this.partway.init(this.caller, this.request(file, request))
    return parts === undefined ? reply : { ...reply, parts: await collect(parts) }
  }

  request(file: SampleFile, request: Partial<InitRequest> = {}): InitRequest {
    const named = { filename: 'sample.bin', fingerprint: file.sha256 }
    return { ...named, size: file.size, ...request }
  }

  async sign(file: SampleFile, upload: InitReply, indexes: number[]): Promise<SignedPart[]> {
    const sign = await Promise.all(
      indexes.map(async (index) => {
        const checksum = await file.checksum(upload, index, upload.checksum)
        return checksum === undefined ? { index } : { index, checksum }
      }),
    )
    const { parts } = await this.partway.parts(this.caller, { uploadId: upload.uploadId, sign })
    return collect(parts)
  }

  /** Signs and sends parts; what the bucket answered is what a client would report. */
  async send(file: SampleFile, upload: InitReply, indexes: number[]): Promise<ReportedPart[]> {
    const signed = await this.sign(file, upload, indexes)
    return Promise.all(
      signed.map(async (part) => {
        const response = await put(part, file.part(upload, part.index))
        if (!response.ok) throw new Error(`part ${part.index}: ${response.status}`)
        return { index: part.index, etag: response.headers.get('etag') ?? '' }
      }),
    )
  }

  async sendAndReport(file: SampleFile, upload: InitReply, indexes: number[]): Promise<void> {
    const uploaded = await this.send(file, upload, indexes)
    await this.partway.parts(this.caller, { uploadId: upload.uploadId, uploaded })
  }

  status(uploadId: string, reconcile = false) {
    const query = reconcile ? { uploadId, reconcile: 'true' as const } : { uploadId }
    return this.partway.status(this.caller, query)
  }

  complete(
    uploadId: string,
    request: { digest?: string; expectedHash?: string; parts?: ReportedPart[] } = {},
  ) {
    return this.partway.complete(this.caller, { uploadId, ...request })
  }

  /** The ids of this caller's uploads that are due. */
  async due(): Promise<string[]> {
    const refs = await this.partway.due(1_000)
    return refs.filter(({ owner }) => owner === this.caller.owner).map(({ id }) => id)
  }

  usage() {
    return this.partway.usage(this.caller)
  }

  abort(uploadId: string) {
    return this.partway.abort(this.caller, { uploadId })
  }
}

async function collect(batches: SignedBatches): Promise<SignedPart[]> {
  const parts: SignedPart[] = []
  for await (const batch of batches) parts.push(...batch)
  return parts
}

export async function put(part: SignedPart, body: Uint8Array): Promise<Response> {
  const response = await fetch(part.url, {
    method: 'PUT',
    headers: part.headers,
    body: new Uint8Array(body),
  })
  await response.arrayBuffer()
  return response
}

/** The status, or `reset`: VersityGW refuses a body early and closes while it is still being sent. */
export async function putStatus(part: SignedPart, body: Uint8Array): Promise<number | 'reset'> {
  try {
    return (await put(part, body)).status
  } catch {
    return 'reset'
  }
}

/** The refusal that `call` must end with. */
export async function refusalOf(call: Promise<unknown>): Promise<UploadError> {
  const outcome = await call.then(
    (value) => new Error(`it was not refused: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
  if (outcome instanceof UploadError) return outcome
  throw outcome
}

export const ALL_MODES: readonly ChecksumMode[] = [
  'sha256',
  'crc64nvme',
  'crc32c',
  'crc32',
  'md5',
  'none',
]
