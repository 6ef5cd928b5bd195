import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface PartToPut {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface PutReply {
  readonly status: number
  /** As the bucket wrote it. */
  readonly etag: string | undefined
}

const TIMEOUT_MS = 10_000

/**
 * Sends a part to its URL. Not by `fetch`, which nothing else in the server needs, and whose first use
 * costs some MiB of memory for good.
 */
export function putPart({ url, headers, body }: PartToPut): Promise<PutReply> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest
  const options = {
    method: 'PUT',
    headers: { ...headers, 'content-length': String(body.length) },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (reply) => {
      const { statusCode: status = 0 } = reply
      reply.on('error', reject).on('end', () => resolve({ status, etag: reply.headers.etag }))
      reply.resume()
    })
    sent.on('error', reject).end(body)
  })
}
