import { lookup as systemLookup } from 'node:dns/promises'
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../../coordinator/ports.js'
import { guardedLookup, type Lookup, RefusedAddress } from './guarded-lookup.js'
import { retryAfterMs } from './retry-after.js'
import { type AllowedPrivate, type OutboundRefusal, type Target, targetOf } from './target.js'

export interface OutboundOptions {
  readonly clock: Pick<Clock, 'now'>
  /** @default false: servers of the internet over `https:` */
  readonly allowPrivate?: AllowedPrivate
  /** For the name, the connection and the whole answer. @default 10 s */
  readonly timeoutMs?: number
  /** How much of an answer is read. @default 64 KiB */
  readonly maxAnswerBytes?: number
  /** @default the system's */
  readonly lookup?: Lookup
}

export interface OutboundMessage {
  readonly body: string
  /** Besides `content-length`, `host` and what is said of the connection. Must not come from a client. */
  readonly headers?: Readonly<Record<string, string>>
  /** Gives up when it aborts. */
  readonly signal?: AbortSignal
}

export interface OutboundAnswer {
  readonly kind: 'answered'
  /** As it came: a redirect is an answer like others, and is not followed. */
  readonly status: number
  /** From now. Absent when the answer does not say. */
  readonly retryAfterMs?: number
  /** At most `maxAnswerBytes`. It is not for logs. */
  readonly body: Buffer
  /** Whether there was more of it. */
  readonly isCut: boolean
}

export type OutboundOutcome = OutboundAnswer | NotSent

export type ReachOutcome = { readonly kind: 'reached' } | NotSent

export type NotSent =
  /** Nothing was sent, and nothing was connected to. */
  | { readonly kind: 'refused'; readonly why: OutboundRefusal }
  /** It may have been received all the same. `code` is that of Node, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  | {
      readonly kind: 'failed'
      readonly why: 'timeout' | 'aborted' | 'connection'
      readonly code?: string
    }

/** Sends to URLs that the operator has configured, and to nobody whom these must not lead to. */
export interface Outbound {
  /** Connects, by TLS where the URL says so, and sends nothing. */
  reach(url: string): Promise<ReachOutcome>
  /** `POST`s the message, and never more than once. Rejects for headers that cannot be sent. */
  post(url: string, message: OutboundMessage): Promise<OutboundOutcome>
}

interface Bounds {
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
  readonly lookup: Lookup
  readonly clock: Pick<Clock, 'now'>
}

const RESERVED =
  /^(host|content-length|transfer-encoding|connection|accept-encoding|expect|te|trailer|upgrade|proxy-.*)$/i

export function createOutbound(options: OutboundOptions): Outbound {
  const { allowPrivate = false } = options
  const bounds: Bounds = {
    clock: options.clock,
    timeoutMs: options.timeoutMs ?? 10_000,
    maxAnswerBytes: options.maxAnswerBytes ?? 64 * 1024,
    lookup: options.lookup ?? ((host) => systemLookup(host, { all: true })),
  }
  return {
    reach: async (url) => {
      const target = targetOf(url, allowPrivate)
      if (target.kind === 'refused') return target
      return exchange(target, { body: '' }, { ...bounds, use: connected })
    },
    post: async (url, message) => {
      const reserved = Object.keys(message.headers ?? {}).find((name) => RESERVED.test(name))
      if (reserved !== undefined) throw new TypeError(`the header ${reserved} cannot be given`)
      const target = targetOf(url, allowPrivate)
      if (target.kind === 'refused') return target
      const use = async (request: ClientRequest) =>
        answerOf(await responseTo(request, message.body), bounds)
      return exchange(target, message, { ...bounds, use })
    },
  }
}

interface Exchange<T> extends Bounds {
  /** Rejects when it gets no further. */
  readonly use: (request: ClientRequest) => Promise<T>
}

async function exchange<T>(
  target: Target,
  message: OutboundMessage,
  { use, timeoutMs, lookup }: Exchange<T>,
): Promise<T | NotSent> {
  if (message.signal?.aborted === true) return { kind: 'failed', why: 'aborted' }
  const giveUp = new AbortController()
  let why: 'timeout' | 'aborted' | 'connection' = 'connection'
  const stop = (reason: 'timeout' | 'aborted') => {
    why = reason
    giveUp.abort()
  }
  const onAbort = () => stop('aborted')
  const request = openRequest(target, message, { lookup, signal: giveUp.signal })
  message.signal?.addEventListener('abort', onAbort, { once: true })
  const timer = setTimeout(() => stop('timeout'), timeoutMs)
  try {
    return await use(request)
  } catch (error) {
    if (error instanceof RefusedAddress) return { kind: 'refused', why: 'address' }
    const code = why === 'connection' ? codeOf(error) : undefined
    return { kind: 'failed', why, ...(code !== undefined && { code }) }
  } finally {
    clearTimeout(timer)
    message.signal?.removeEventListener('abort', onAbort)
    request.destroy()
  }
}

function responseTo(request: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Stays for good: an error after the answer has begun would be thrown at the process.
    request.on('error', reject)
    request.once('response', resolve)
    request.end(body)
  })
}

/** Of a request that was not ended nothing is sent. */
function connected(request: ClientRequest): Promise<{ kind: 'reached' }> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.once('socket', (socket) => {
      const event = socket instanceof TLSSocket ? 'secureConnect' : 'connect'
      socket.once(event, () => resolve({ kind: 'reached' }))
    })
  })
}

/**
 * With an agent of its own, so that neither a kept connection nor a proxy of the environment stands between the check
 * and the address, and with certificates checked whatever the environment says.
 */
function openRequest(
  { url, admits }: Target,
  { body, headers }: OutboundMessage,
  { lookup, signal }: { lookup: Lookup; signal: AbortSignal },
) {
  const options = {
    method: 'POST',
    signal,
    lookup: guardedLookup(lookup, admits),
    headers: {
      ...headers,
      'content-length': Buffer.byteLength(body),
      'accept-encoding': 'identity',
      connection: 'close',
    },
  }
  if (url.protocol === 'http:') {
    return httpRequest(url, { ...options, agent: new HttpAgent({ keepAlive: false }) })
  }
  const agent = new HttpsAgent({ keepAlive: false })
  return httpsRequest(url, { ...options, agent, rejectUnauthorized: true })
}

async function answerOf(
  response: IncomingMessage,
  { maxAnswerBytes, clock }: Bounds,
): Promise<OutboundAnswer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxAnswerBytes) break
  }
  const pause = retryAfterMs(response.headers['retry-after'], clock.now())
  return {
    kind: 'answered',
    status: response.statusCode ?? 0,
    ...(pause !== undefined && { retryAfterMs: pause }),
    body: Buffer.concat(chunks).subarray(0, maxAnswerBytes),
    isCut: length > maxAnswerBytes,
  }
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
