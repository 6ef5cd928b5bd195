import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PresignedPart, SignRequest } from '../../src/coordinator/ports.js'
import type { ChecksumMode } from '../../src/protocol/index.js'
import { checksumOf } from './memory-bucket-digest.js'

export interface PutPart {
  readonly key: string
  readonly multipartId: string
  readonly index: number
}

export interface StoredPart {
  readonly bytes: Buffer
  readonly etag: string
  /** Of the mode that the URL was signed for. */
  readonly checksum: string | undefined
}

/** A status to answer with, or a connection to break, in place of the proper reply. */
export type PutFault = number | 'reset' | undefined

export interface MemoryBucketServerOptions {
  /** Keeps the part; `NoSuchUpload` and the like are returned as S3's error code. */
  readonly store: (put: PutPart, part: StoredPart) => string | undefined
  /** Asked before a part is stored, so that it is not. */
  readonly before: (put: PutPart) => PutFault
  /** Asked after a part is stored, so that only its reply is lost. */
  readonly after: (put: PutPart) => PutFault
  readonly now: () => number
}

type PartToSign = SignRequest['parts'][number]

const HEADERS: Partial<Record<ChecksumMode, string>> = {
  sha256: 'x-amz-checksum-sha256',
  crc64nvme: 'x-amz-checksum-crc64nvme',
  crc32c: 'x-amz-checksum-crc32c',
  crc32: 'x-amz-checksum-crc32',
  md5: 'content-md5',
}

/** The HTTP side of `MemoryBucket`: part URLs that admit what a bucket's own would admit. */
export class MemoryBucketServer {
  readonly #secret = randomBytes(32)
  readonly #options: MemoryBucketServerOptions
  #server: Server | undefined
  #origin = 'http://memory-bucket.invalid'

  constructor(options: MemoryBucketServerOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    this.#origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    await new Promise((stopped) => {
      server.close(stopped)
      server.closeAllConnections()
    })
  }

  sign(request: SignRequest, part: PartToSign): PresignedPart {
    const header = HEADERS[request.checksum]
    if (header !== undefined && !part.checksum) throw new TypeError(`No checksum of ${part.index}`)
    const query = new URLSearchParams({
      uploadId: request.multipartId,
      partNumber: String(part.index),
      size: String(part.size),
      mode: request.checksum,
      checksum: (header && part.checksum) ?? '',
      expires: String(this.#options.now() + request.expiresInSeconds * 1000),
    })
    const path = `/${encodeURIComponent(request.key)}`
    const unsigned = `${path}?${query}`
    return {
      index: part.index,
      size: part.size,
      url: `${this.#origin}${unsigned}&signature=${this.#signatureOf(unsigned)}`,
      headers: header === undefined ? {} : { [header]: part.checksum ?? '' },
      expiresIn: request.expiresInSeconds,
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await bodyOf(request)
    const query = new URL(request.url ?? '', this.#origin).searchParams
    const put: PutPart = {
      key: decodeURIComponent((request.url ?? '').slice(1).split('?')[0] ?? ''),
      multipartId: query.get('uploadId') ?? '',
      index: Number(query.get('partNumber')),
    }
    const refusal = this.#refusal(request, query)
    const fault = refusal ?? this.#options.before(put)
    if (fault !== undefined) return end(response, fault)
    const mode = query.get('mode') as ChecksumMode
    const checksum = await checksumOf(mode, bytes)
    if (checksum !== undefined && checksum !== query.get('checksum')) return end(response, 400)
    const part = { bytes, checksum, etag: createHash('md5').update(bytes).digest('hex') }
    const code = this.#options.store(put, part)
    const lost = this.#options.after(put)
    if (code !== undefined) return end(response, code === 'NoSuchUpload' ? 404 : 400)
    response.setHeader('etag', `"${part.etag}"`)
    end(response, lost ?? 200)
  }

  #refusal(request: IncomingMessage, query: URLSearchParams): number | undefined {
    const [unsigned = '', signature] = (request.url ?? '').split('&signature=')
    const header = HEADERS[query.get('mode') as ChecksumMode]
    const isAllowed =
      request.method === 'PUT' &&
      signature === this.#signatureOf(unsigned) &&
      request.headers['content-length'] === query.get('size') &&
      (header === undefined || request.headers[header] === query.get('checksum')) &&
      this.#options.now() < Number(query.get('expires'))
    return isAllowed ? undefined : 403
  }

  #signatureOf(unsigned: string): string {
    return createHmac('sha256', this.#secret).update(unsigned).digest('hex')
  }
}

function end(response: ServerResponse, result: number | 'reset'): void {
  if (result === 'reset') response.destroy()
  else response.writeHead(result).end()
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}
