import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import type { S3Reply } from './service.js'

/** Readable by scripts, besides all that begin with `x-amz-`. */
const EXPOSED = [
  'accept-ranges',
  'content-disposition',
  'content-encoding',
  'content-length',
  'content-range',
  'date',
  'etag',
  'last-modified',
]
const METHODS = 'GET, HEAD, PUT, POST, DELETE'
const MAX_AGE_SECONDS = 3_000

/** Lets scripts of the allowed origins read replies; `*` stands for every origin. */
export class Cors {
  readonly #origins: readonly string[]

  constructor(origins: readonly string[]) {
    this.#origins = origins
  }

  isPreflight(request: S3Request): boolean {
    return request.method === 'OPTIONS'
  }

  preflight(request: S3Request): S3Reply {
    const method = request.value('access-control-request-method')
    if (this.#allowed(request) === undefined || method === undefined) {
      throw new S3Error('AccessForbidden', 'CORSResponse: This CORS request is not allowed')
    }
    const wanted = request.value('access-control-request-headers')
    const isPrivate = request.value('access-control-request-private-network') === 'true'
    return {
      status: 200,
      headers: {
        'access-control-allow-methods': METHODS,
        'access-control-max-age': String(MAX_AGE_SECONDS),
        ...(wanted !== undefined && { 'access-control-allow-headers': wanted }),
        ...(isPrivate && { 'access-control-allow-private-network': 'true' }),
      },
    }
  }

  /** What a reply with the headers `names` needs so that a script may read it, errors too. */
  headers(request: S3Request, names: readonly string[]): Record<string, string> {
    const origin = this.#allowed(request)
    const vary = { vary: 'origin' }
    if (origin === undefined) return vary
    const exposed = new Set([...EXPOSED, ...names.filter((name) => name.startsWith('x-amz-'))])
    return {
      ...vary,
      'access-control-allow-origin': origin,
      'access-control-expose-headers': [...exposed].join(', '),
    }
  }

  #allowed(request: S3Request): string | undefined {
    const origin = request.value('origin')
    if (origin === undefined) return undefined
    if (this.#origins.includes('*')) return '*'
    return this.#origins.includes(origin) ? origin : undefined
  }
}
