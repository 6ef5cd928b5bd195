import { lookup as systemLookup } from 'node:dns/promises'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Clock } from '../../coordinator/ports.js'
import { guardedLookup, type Lookup, RefusedAddress } from './guarded-lookup.js'
import { retryAfterMs } from './retry-after.js'
import { type AllowedPrivate, type OutboundRefusal, type Target, targetOf } from './target.js'

export interface OutboundOptions {
  readonly clock: Clock
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

export type OutboundOutcome =
  | OutboundAnswer
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
  /** What is wrong with a URL by itself; its name is not resolved. */
  refusal(url: string): OutboundRefusal | undefined
  /** `POST`s the message, and never more than once. Rejects for headers that cannot be sent. */
  post(url: string, message: OutboundMessage): Promise<OutboundOutcome>
}

interface Bounds {
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
  readonly lookup: Lookup
  readonly clock: Clock
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
    refusal: (url) => {
      const target = targetOf(url, allowPrivate)
      return target.kind === 'refused' ? target.why : undefined
    },
    post: async (url, message) => {
      const reserved = Object.keys(message.headers ?? {}).find((name) => RESERVED.test(name))
      if (reserved !== undefined) throw new TypeError(`the header ${reserved} cannot be given`)
      const target = targetOf(url, allowPrivate)
      return target.kind === 'refused' ? target : send(target, message, bounds)
    },
  }
}

async function send(
  target: Target,
  message: OutboundMessage,
  bounds: Bounds,
): Promise<OutboundOutcome> {
  const giveUp = new AbortController()
  let why: 'timeout' | 'aborted' | 'connection' = 'connection'
  const stop = (reason: 'timeout' | 'aborted') => {
    why = reason
    giveUp.abort()
  }
  const onAbort = () => stop('aborted')
  if (message.signal?.aborted === true) return { kind: 'failed', why: 'aborted' }
  const request = openRequest(target, message, { lookup: bounds.lookup, signal: giveUp.signal })
  message.signal?.addEventListener('abort', onAbort, { once: true })
  const timer = setTimeout(() => stop('timeout'), bounds.timeoutMs)
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      // Stays for good: an error after the answer has begun would be thrown at the process.
      request.on('error', reject)
      request.once('response', resolve)
      request.end(message.body)
    })
    return await answerOf(response, bounds)
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
