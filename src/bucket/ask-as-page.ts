import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Bucket, PartSigner } from '../coordinator/ports.js'

/** What a bucket answered to a page of some origin that sent a part. Headers are as they came, `''` for none. */
export interface PageAnswers {
  /** Where the parts go: scheme, host and port. */
  readonly address: string
  readonly preflight: CorsReply
  readonly part: CorsReply & { readonly hasEtag: boolean }
}

export interface CorsReply {
  readonly status: number
  readonly allowOrigin: string
  readonly allowMethods: string
  readonly allowHeaders: string
  readonly exposeHeaders: string
}

export interface AskAsPage {
  readonly bucket: Bucket
  /** Its URLs must be those that clients are given. */
  readonly signer: PartSigner
  /** Never used before. */
  readonly key: string
  readonly origin: string
}

/** What our own clients send with a part, depending on its checksum. */
export const PART_HEADERS = ['content-md5', 'x-amz-checksum-sha256', 'x-amz-checksum-crc64nvme']

const BODY = Buffer.from('a part')
const TIMEOUT_MS = 10_000

/**
 * Sends a part as a browser would, first the preflight and then the part itself, to the URL that clients are given. Nothing
 * of it stays. Rejects when the bucket does not take a multipart upload, or nothing answers at that URL.
 */
export async function askAsPage({ bucket, signer, key, origin }: AskAsPage): Promise<PageAnswers> {
  const { multipartId } = await bucket.createMultipartUpload({
    key,
    checksum: 'none',
    metadata: {},
  })
  try {
    const [part] = await signer.signParts({
      key,
      multipartId,
      checksum: 'none',
      parts: [{ index: 1, size: BODY.length }],
      expiresInSeconds: 60,
    })
    if (part === undefined) throw new Error('No URL was signed')
    const { url } = part
    const preflight = await send(url, 'OPTIONS', {
      origin,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': PART_HEADERS.join(','),
    })
    const sent = await send(url, 'PUT', { ...part.headers, origin }, BODY)
    return { address: new URL(url).origin, preflight, part: sent }
  } finally {
    await bucket.abortMultipartUpload({ key, multipartId })
  }
}

function send(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer = Buffer.alloc(0),
): Promise<PageAnswers['part']> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest
  const length = body.length === 0 ? {} : { 'content-length': String(body.length) }
  const options = {
    method,
    headers: { ...headers, ...length },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (reply) => {
      const cors = (name: string) => String(reply.headers[`access-control-${name}`] ?? '')
      const { statusCode: status = 0 } = reply
      reply.on('error', reject).on('end', () =>
        resolve({
          status,
          allowOrigin: cors('allow-origin'),
          allowMethods: cors('allow-methods'),
          allowHeaders: cors('allow-headers'),
          exposeHeaders: cors('expose-headers'),
          hasEtag: reply.headers.etag !== undefined,
        }),
      )
      reply.resume()
    })
    sent.on('error', reject).end(body)
  })
}
