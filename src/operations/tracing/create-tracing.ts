import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Partway } from '../../coordinator/partway.js'
import type { Bucket, PartSigner, SessionStore } from '../../coordinator/ports.js'
import { UploadError } from '../../coordinator/upload-error.js'
import { type Around, observed } from '../observed.js'

export interface TracingOptions {
  /** @default that of the SDK which the process has registered, or none */
  readonly tracer?: Tracer
}

/** What is traced of a request. */
export interface TracedRequest {
  readonly method: string
  /** The path as the table of routes has it. */
  readonly route: string
  header(name: string): string | undefined
  /** Of the reply, as far as it is known. */
  status(): number
}

/**
 * Gives what `createPartway` and `createRouter` take, with a span about each call. Without an SDK of OpenTelemetry in the
 * process nothing is done. No span tells an owner, a key, an id, a URL or a token, nor the message of an error, which may.
 */
export interface Tracing {
  store(store: SessionStore): SessionStore
  bucket(bucket: Bucket): Bucket
  signer(signer: PartSigner): PartSigner
  partway(partway: Partway): Partway
  /** The option `tracing` of `createRouter`. */
  request<T>(request: TracedRequest, work: () => Promise<T>): Promise<T>
  /** What a call to another service carries so that its spans belong to this one: the option `headers` of `connectS3`. */
  headers(): Record<string, string>
}

/** Of https://www.w3.org/TR/trace-context/. What else strangers send, such as baggage, is not passed on. */
const CONTEXT_HEADERS = ['traceparent', 'tracestate']

/** Whoever asked for it, or was worked for before, has nothing to do with it. */
const IN_THE_BACKGROUND = ['partway.due', 'partway.resume']

const REQUEST_HEADERS: TextMapGetter<TracedRequest> = {
  keys: () => CONTEXT_HEADERS,
  get: (request, name) =>
    CONTEXT_HEADERS.includes(name.toLowerCase()) ? request.header(name) : undefined,
}

export function createTracing(options: TracingOptions = {}): Tracing {
  const { tracer = trace.getTracer('partway') } = options
  const about =
    (port: string, kind: SpanKind): Around =>
    (method, call) => {
      const name = `${port}.${method}`
      const parent = IN_THE_BACKGROUND.includes(name) ? ROOT_CONTEXT : context.active()
      return inSpan(tracer, { name, kind, parent }, call)
    }
  return {
    store: (store) => observed(store, about('store', SpanKind.CLIENT)),
    bucket: (bucket) => observed(bucket, about('bucket', SpanKind.CLIENT)),
    signer: (signer) => observed(signer, about('signer', SpanKind.INTERNAL)),
    partway: (partway) => observed(partway, about('partway', SpanKind.INTERNAL)),
    request: (request, work) => {
      const { method, route } = request
      const attributes = { 'http.request.method': method, 'http.route': route }
      const name = `${method} ${route}`
      const span = { name, kind: SpanKind.SERVER, attributes, parent: parentOf(request) }
      return inSpan(tracer, span, async (span) => {
        try {
          return await work()
        } finally {
          span.setAttribute('http.response.status_code', request.status())
        }
      })
    },
    headers: () => {
      const carrier: Record<string, string> = {}
      propagation.inject(context.active(), carrier)
      return Object.fromEntries(
        Object.entries(carrier).filter(([name]) => CONTEXT_HEADERS.includes(name.toLowerCase())),
      )
    },
  }
}

/** An application that traces HTTP by itself has a span already, which knows where the request came from. */
function parentOf(request: TracedRequest): Context {
  const active = context.active()
  if (trace.getSpan(active) !== undefined) return active
  return propagation.extract(active, request, REQUEST_HEADERS)
}

interface SpanOptions {
  readonly name: string
  readonly kind: SpanKind
  readonly parent: Context
  readonly attributes?: Attributes
}

async function inSpan<T>(
  tracer: Tracer,
  { name, kind, parent, attributes = {} }: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(name, { kind, attributes }, parent)
  try {
    const result = await context.with(trace.setSpan(parent, span), () => work(span))
    const outcome = outcomeOf(result)
    if (outcome !== undefined) span.setAttribute('partway.outcome', outcome)
    return result
  } catch (error) {
    span.setAttribute('error.type', typeOf(error))
    const isRefusal = error instanceof UploadError && error.status < 500
    if (!isRefusal) span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}

/** Ports name their outcomes by words of the code. */
function outcomeOf(result: unknown): string | undefined {
  if (typeof result !== 'object' || result === null || !('kind' in result)) return undefined
  return typeof result.kind === 'string' ? result.kind : undefined
}

function typeOf(error: unknown): string {
  if (error instanceof UploadError) return error.code
  if (!(error instanceof Error)) return 'unknown'
  return /^[A-Za-z]{1,60}$/.test(error.name) ? error.name : 'Error'
}
