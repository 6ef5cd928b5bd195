import {
  type AbortReply,
  abortReply,
  type CompleteReply,
  type CompleteRequest,
  completeReply,
  type InitReply,
  type InitRequest,
  initReply,
  type Parsed,
  type PartsReply,
  type PartsRequest,
  parseReply,
  partsReply,
  ROUTES,
  type StatusReply,
  statusReply,
  toWire,
} from '../protocol/index.js'
import type { RetryEvent } from './events.js'
import { waitWhileOffline } from './online.js'
import { describeRequest, PartwayError } from './partway-error.js'
import type { CallRequest, ClientPorts, HttpReply } from './ports.js'
import { reasonOf } from './reason.js'
import { parseJson, replyError } from './reply-error.js'
import {
  DEFAULT_RETRY,
  isTransientStatus,
  nextDelayMs,
  type RetryPolicy,
  retryAfterMs,
  withStallLimit,
} from './retry.js'
import { serverUrl } from './server-url.js'

type Headers = Readonly<Record<string, string>>

/**
 * Headers for the calls to the coordinator. A function is asked before each call, so what it gives may
 * change; `refused` says that the coordinator has just answered 401, and then the call is made once more.
 */
export type HeadersSource =
  | Headers
  | ((about: { readonly refused: boolean }) => Headers | Promise<Headers>)

export interface CoordinatorApiOptions {
  /** Address of the coordinator, with the path that it is mounted on, if any. */
  readonly server: string
  readonly ports: Pick<ClientPorts, 'transport' | 'clock' | 'random' | 'online'>
  /** Sent as `Authorization: Bearer`, to the coordinator only. */
  readonly token?: string
  readonly headers?: HeadersSource
  readonly onOffline?: (isOffline: boolean) => void
  readonly retry?: RetryPolicy
  /** How long to wait for an answer, in ms. @default 60000 */
  readonly timeoutMs?: number
}

export interface CallOptions {
  readonly signal: AbortSignal
  readonly onRetry?: (event: RetryEvent) => void
}

type CallName = 'init' | 'parts' | 'status' | 'complete' | 'abort'

interface Call<T> {
  readonly name: CallName
  readonly body?: object
  readonly query?: Readonly<Record<string, string>>
  readonly parse: (json: unknown) => Parsed<T>
}

/** A reply, and what HTTP says of it. */
export type Answered<T> = T & {
  readonly httpStatus: number
  /** What the server asks to wait before the next question, in ms. */
  readonly retryAfterMs: number | undefined
}

/**
 * The coordinator's calls, typed. Each is tried again while the server is away (no answer, 429, 5xx),
 * which is harmless: every call may be repeated. A refusal is thrown as {@link PartwayError} with the
 * server's code; an answer that is not what the contract says, as `UNEXPECTED_REPLY`.
 */
export class CoordinatorApi {
  readonly #options: CoordinatorApiOptions
  readonly #server: string
  readonly #retry: RetryPolicy
  /** Whether the coordinator has ever been seen to answer. */
  #isAnswered = false

  /** Throws `INVALID_OPTION` for an address that cannot be one. */
  constructor(options: CoordinatorApiOptions) {
    this.#options = options
    this.#server = serverUrl(options.server)
    this.#retry = options.retry ?? DEFAULT_RETRY
  }

  init(request: InitRequest, options: CallOptions): Promise<Answered<InitReply>> {
    const parse = (json: unknown) => parseReply(initReply, json)
    return this.#call({ name: 'init', body: toWire<object>(request), parse }, options)
  }

  parts(request: PartsRequest, options: CallOptions): Promise<Answered<PartsReply>> {
    const parse = (json: unknown) => parseReply(partsReply, json)
    return this.#call({ name: 'parts', body: toWire<object>(request), parse }, options)
  }

  /** With `reconcile` the answer is what the bucket says, otherwise what the coordinator remembers. */
  status(
    { uploadId, reconcile }: { readonly uploadId: string; readonly reconcile: boolean },
    options: CallOptions,
  ): Promise<Answered<StatusReply>> {
    const query = { upload_id: uploadId, ...(reconcile ? { reconcile: 'true' } : {}) }
    const parse = (json: unknown) => parseReply(statusReply, json)
    return this.#call({ name: 'status', query, parse }, options)
  }

  complete(request: CompleteRequest, options: CallOptions): Promise<Answered<CompleteReply>> {
    const parse = (json: unknown) => parseReply(completeReply, json)
    return this.#call({ name: 'complete', body: toWire<object>(request), parse }, options)
  }

  abort(uploadId: string, options: CallOptions): Promise<Answered<AbortReply>> {
    const parse = (json: unknown) => parseReply(abortReply, json)
    return this.#call({ name: 'abort', body: { upload_id: uploadId }, parse }, options)
  }

  async #call<T>(call: Call<T>, options: CallOptions): Promise<Answered<T>> {
    let refused = false
    for (let failures = 1; ; ) {
      try {
        return await this.#attempt(call, refused, options.signal)
      } catch (error) {
        options.signal.throwIfAborted()
        if (!(error instanceof PartwayError)) throw error
        if (error.status === 401 && !refused && typeof this.#options.headers === 'function') {
          refused = true
        } else if (error.code !== 'SERVER_UNREACHABLE' || !(await this.#wasOffline(options))) {
          await this.#backOff(call.name, { error, failures: failures++ }, options)
        }
      }
    }
  }

  async #wasOffline({ signal }: CallOptions): Promise<boolean> {
    const { ports, onOffline = () => {} } = this.#options
    const isOver = await waitWhileOffline(ports, signal, () => onOffline(true))
    if (isOver) onOffline(false)
    return isOver
  }

  async #backOff(
    what: CallName,
    { error, failures }: { readonly error: PartwayError; readonly failures: number },
    { onRetry, signal }: CallOptions,
  ): Promise<void> {
    const { clock, random } = this.#options.ports
    const failure = { failures, retryAfterMs: error.retryAfterMs }
    const delayMs = isTransient(error) ? nextDelayMs(this.#retry, failure, random) : undefined
    if (delayMs === undefined) throw error
    onRetry?.({ type: 'retry', what, reason: error.message, delayMs })
    await clock.sleep(delayMs, signal)
  }

  async #attempt<T>(call: Call<T>, refused: boolean, signal: AbortSignal): Promise<Answered<T>> {
    const { method, path } = ROUTES[call.name]
    const query = call.query === undefined ? '' : `?${new URLSearchParams(call.query)}`
    const request = describeRequest(method, this.#server + path)
    const headers = await this.#headers(call.body !== undefined, refused)
    const target = { method, url: this.#server + path + query, headers }
    const reply = await this.#send(target, call.body, signal)
    this.#isAnswered = true
    const { status: httpStatus } = reply
    const pause = retryAfterMs(reply.headers['retry-after'], this.#options.ports.clock.wallTime())
    if (httpStatus < 200 || httpStatus > 299) throw replyError(reply, request, pause)
    const parsed = call.parse(parseJson(reply.body))
    if (parsed.kind === 'ok') return { ...parsed.value, httpStatus, retryAfterMs: pause }
    throw new PartwayError('UNEXPECTED_REPLY', notOurs(request, parsed.errors[0]?.field), {
      status: httpStatus,
      request,
      errors: parsed.errors,
    })
  }

  async #send(
    target: Pick<CallRequest, 'method' | 'url' | 'headers'>,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<HttpReply> {
    const { ports, timeoutMs = 60_000 } = this.#options
    try {
      return await withStallLimit(ports, { ms: timeoutMs, signal }, (limited) =>
        ports.transport.call({
          ...target,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: limited,
        }),
      )
    } catch (cause) {
      const request = describeRequest(target.method, target.url)
      const hint = ports.transport.obeysCors && !this.#isAnswered ? CORS_HINT : ''
      const text = `No answer from the server to ${request}: ${reasonOf(cause)}${hint}`
      throw new PartwayError('SERVER_UNREACHABLE', text, { request, cause })
    }
  }

  async #headers(hasBody: boolean, refused: boolean): Promise<Record<string, string>> {
    const { token, headers = {} } = this.#options
    const own = await givenBy(headers, refused)
    return {
      ...own,
      accept: 'application/json',
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
  }
}

const CORS_HINT =
  '. At another origin than this page, it must list the origin of this page (PARTWAY_CORS_ORIGINS)'

async function givenBy(source: HeadersSource, refused: boolean): Promise<Headers> {
  if (typeof source !== 'function') return source
  try {
    return await source({ refused })
  } catch (cause) {
    const text = `The headers for the server could not be had: ${reasonOf(cause)}`
    throw new PartwayError('HEADERS_FAILED', text, { cause })
  }
}

function isTransient({ code, status }: PartwayError): boolean {
  return code === 'SERVER_UNREACHABLE' || (status !== undefined && isTransientStatus(status))
}

function notOurs(request: string, field: string | undefined): string {
  const where = field === undefined || field === '' ? '' : `: ${field} is not as it should be`
  return `The answer to ${request} is not one of a Partway server${where}`
}
