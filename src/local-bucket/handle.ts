import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Cors } from './cors.js'
import type { LocalBucketLog } from './log.js'
import { parseRequest, type S3Request } from './request.js'
import { dispatch } from './routes.js'
import { S3Error } from './s3-error.js'
import type { S3Reply, Service } from './service.js'
import { authenticate } from './sigv4/authenticate.js'
import type { Verifier } from './sigv4/verify.js'
import { xmlDocument } from './xml.js'

export interface HandlerOptions {
  readonly service: Service
  readonly verifier: Verifier
  readonly cors: Cors
  readonly log: LocalBucketLog
}

export interface Exchange {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly waits: boolean
}

/** Answers one request. Never rejects. */
export async function handle(exchange: Exchange, options: HandlerOptions): Promise<void> {
  const requestId = options.service.randomHex(8).toUpperCase()
  let request: S3Request | undefined
  let reply: S3Reply
  try {
    request = parseRequest(exchange.incoming)
    reply = await answer(exchange, request, options)
  } catch (error) {
    // Who has gone needs no answer, and that is no fault of ours.
    if (exchange.incoming.destroyed && !exchange.incoming.complete) return
    reply = errorReply(error, { requestId, log: options.log, path: request?.path ?? '' })
  }
  const cors = request && options.cors.headers(request, Object.keys(reply.headers ?? {}))
  const headers = { ...cors, 'x-amz-request-id': requestId, ...reply.headers }
  await send(exchange, { ...reply, headers }).catch((err: unknown) => {
    if (!isClientGone(err)) options.log({ event: 'local-bucket.fault', requestId, err })
    exchange.response.destroy()
  })
  // Of a body that was read half-way the rest is in the way of the next request.
  exchange.incoming.resume()
}

const GONE = new Set<unknown>(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'])

function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && GONE.has(error.code)
}

async function answer(
  exchange: Exchange,
  request: S3Request,
  { cors, service, verifier }: HandlerOptions,
): Promise<S3Reply> {
  if (cors.isPreflight(request)) return cors.preflight(request)
  const proven = authenticate(request, verifier)
  return dispatch({ request, proven, rawBody: () => bodyOf(exchange) }, service)
}

/** Not destroyed when it is not read to its end: then the client would not get to see why. */
function bodyOf({ incoming, response, waits }: Exchange): AsyncIterable<Uint8Array> {
  if (waits) response.writeContinue()
  return incoming.iterator({ destroyOnReturn: false })
}

interface ErrorContext {
  readonly requestId: string
  readonly log: LocalBucketLog
  readonly path: string
}

function errorReply(error: unknown, { requestId, log, path }: ErrorContext): S3Reply {
  const known =
    error instanceof S3Error ? error : new S3Error('InternalError', 'We met an internal error')
  if (known !== error) log({ event: 'local-bucket.fault', requestId, err: error })
  const body = xmlDocument([
    'Error',
    [
      ['Code', known.code],
      ['Message', known.message],
      ['Resource', path],
      ['RequestId', requestId],
    ],
  ])
  return { status: known.status, headers: { 'content-type': 'application/xml' }, body }
}

async function send(exchange: Exchange, { status, headers, body }: S3Reply): Promise<void> {
  const { incoming, response, waits } = exchange
  // A client that was never told to continue may send the body all the same, or may not: only a new
  // connection is free of that doubt.
  if (waits && !incoming.readableDidRead) response.shouldKeepAlive = false
  const hasBody = incoming.method !== 'HEAD' && status !== 304 && status !== 204
  response.writeHead(status, { ...headers, ...lengthOf(status, headers, body) })
  if (typeof body !== 'object') {
    response.end(hasBody ? body : undefined)
    return
  }
  try {
    if (hasBody) await pipeline(body.bytes, response)
    else response.end()
  } finally {
    await body.end()
  }
}

function lengthOf(
  status: number,
  headers: S3Reply['headers'] = {},
  body: S3Reply['body'] = '',
): Record<string, string> {
  const isKnown = headers['content-length'] !== undefined || typeof body === 'object'
  if (isKnown || status === 204 || status === 304) return {}
  return { 'content-length': String(Buffer.byteLength(body)) }
}
