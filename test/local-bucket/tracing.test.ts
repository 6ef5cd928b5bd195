import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { initReply } from '../../src/protocol/index.js'
import { readConfig } from '../../src/server/config.js'
import { createLog } from '../../src/server/logging.js'
import { type RunningServer, startServer } from '../../src/server/main.js'
import {
  LOCAL_CREDENTIALS,
  startTestLocalBucket,
  type TestLocalBucket,
} from '../helpers/local-bucket.js'

/** The standalone server in a process that has registered an SDK of OpenTelemetry. */

const OWNER = 'ada-the-owner'
const NAME = 'secret-name-of-a-file'
const BYTES = 'ten bytes.'
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const CALLER_SPAN = 'b7ad6b7169203331'
const token = randomBytes(32).toString('base64url')
const ATTRIBUTES = [
  'http.request.method',
  'http.route',
  'http.response.status_code',
  'partway.outcome',
  'error.type',
]
const exporter = new InMemorySpanExporter()

/** Of the contexts in which spans were begun. */
const baggage: unknown[] = []
const noteBaggage: SpanProcessor = {
  onStart: (_span, parent) => baggage.push(propagation.getBaggage(parent)),
  onEnd: () => {},
  forceFlush: async () => {},
  shutdown: async () => {},
}

let local: TestLocalBucket
let server: RunningServer

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()]
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }))
  const spanProcessors = [new SimpleSpanProcessor(exporter), noteBaggage]
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
  local = await startTestLocalBucket({ buckets: ['uploads'] })
  const tokens = join(local.folder, 'tokens')
  const hash = createHash('sha256').update(token).digest('hex')
  await writeFile(tokens, `${OWNER}:sha256:${hash}\n`)
  const outcome = readConfig({
    PARTWAY_PORT: '0',
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_S3_ENDPOINT: local.url,
    PARTWAY_STORE: 'sqlite::memory:',
    PARTWAY_SECRET: randomBytes(32).toString('hex'),
    PARTWAY_AUTH: 'token',
    PARTWAY_TOKENS_FILE: tokens,
  })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
  const log = createLog('silent', { write: () => {} })
  server = await startServer(outcome.config, { log, credentials: LOCAL_CREDENTIALS })
})
afterEach(() => exporter.reset())
afterAll(async () => {
  await server?.stop()
  await local?.remove()
  for (const api of [context, propagation, trace]) api.disable()
})

const post = (path: string, body: object, headers = {}) =>
  fetch(server.url + path, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${token}`,
      traceparent: `00-${TRACE_ID}-${CALLER_SPAN}-01`,
      ...headers,
    },
    body: JSON.stringify(body),
  })

const FILE = { filename: `${NAME}.txt`, size: BYTES.length, checksum: 'none', sign: 'all' }

async function begin(fingerprint: string) {
  return initReply.parse(await (await post('/upload/init', { ...FILE, fingerprint })).json())
}

/** Those of the trace of our requests: the server asks the bucket and the store on its own account too. */
function ours(): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === TRACE_ID)
}

function named(name: string): ReadableSpan {
  const [found, ...more] = ours().filter((span) => span.name === name)
  if (found === undefined || more.length > 0)
    throw new Error(`${name}: ${ours().map((one) => one.name)}`)
  return found
}

describe('with an SDK of OpenTelemetry', () => {
  it('a request is one trace with its caller: request, use-case, store, bucket and signer', async () => {
    await begin('a trace')
    const request = named('POST /upload/init')
    expect(request.parentSpanContext?.spanId).toBe(CALLER_SPAN)
    expect(request.kind).toBe(SpanKind.SERVER)
    expect(request.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/upload/init',
      'http.response.status_code': 201,
    })
    const useCase = named('partway.init')
    expect(useCase.parentSpanContext?.spanId).toBe(request.spanContext().spanId)
    for (const name of [
      'store.begin',
      'bucket.createMultipartUpload',
      'store.open',
      'signer.signParts',
    ]) {
      expect(named(name).parentSpanContext?.spanId, name).toBe(useCase.spanContext().spanId)
    }
    expect(named('store.begin').attributes).toEqual({ 'partway.outcome': 'created' })
  })

  it('a refusal is told by its code, and is no error of the server', async () => {
    const reply = await post('/upload/abort', { upload_id: 'A'.repeat(43) })
    expect(reply.status).toBe(404)
    const { attributes, status } = named('POST /upload/abort')
    expect(attributes).toMatchObject({
      'error.type': 'UPLOAD_NOT_FOUND',
      'http.response.status_code': 404,
    })
    expect(status.code).toBe(SpanStatusCode.UNSET)
  })

  it('no span tells an owner, a key, an id, a URL or a token', async () => {
    const { upload_id, parts = [] } = await begin('what is told')
    const [part] = parts
    await fetch(part?.url ?? '', { method: 'PUT', headers: part?.headers ?? {}, body: BYTES })
    expect((await post('/upload/complete', { upload_id })).status).toBe(200)
    expect((await post('/upload/abort', { upload_id })).status).toBe(409)
    await post('/upload/parts', { upload_id, uploaded: [{ index: 9, etag: 'of-a-part' }] })
    for (const { events, links, status, attributes } of exporter.getFinishedSpans()) {
      expect([events, links, status.message]).toEqual([[], [], undefined])
      for (const name of Object.keys(attributes)) expect(ATTRIBUTES).toContain(name)
    }
    const told = JSON.stringify(
      exporter
        .getFinishedSpans()
        .map(({ name, attributes, events, status, links }) => [
          name,
          attributes,
          events,
          status,
          links,
        ]),
    )
    expect(told).toContain('bucket.completeMultipartUpload')
    const names = [
      OWNER,
      NAME,
      upload_id,
      token,
      LOCAL_CREDENTIALS.secretAccessKey,
      'X-Amz',
      'of-a-part',
    ]
    for (const word of [...names, local.url, server.url, 'http:']) expect(told).not.toContain(word)
  })

  it('a trace that the caller has not sampled, or has not got, changes nothing', async () => {
    for (const traceparent of [
      `00-${TRACE_ID}-${CALLER_SPAN}-00`,
      '',
      'not-a-trace',
      '0'.repeat(5_000),
    ]) {
      const reply = await post(
        '/upload/init',
        { ...FILE, fingerprint: `trace ${traceparent.slice(0, 99)}` },
        { traceparent },
      )
      expect(reply.status, traceparent.slice(0, 60)).toBe(201)
    }
  })

  it('nothing but the trace is taken from strangers', async () => {
    baggage.length = 0
    await post('/upload/init', { ...FILE, fingerprint: 'baggage' }, { baggage: 'who=ada' })
    expect(baggage.length).toBeGreaterThan(3)
    expect(baggage.every((found) => found === undefined)).toBe(true)
  })

  it('work in the background is a trace of its own', async () => {
    const hash = createHash('sha256').update(BYTES).digest('hex')
    const message = { ...FILE, fingerprint: 'in the background', file_hash: hash }
    const { upload_id, parts = [] } = initReply.parse(
      await (await post('/upload/init', message)).json(),
    )
    const [part] = parts
    await fetch(part?.url ?? '', { method: 'PUT', headers: part?.headers ?? {}, body: BYTES })
    expect((await post('/upload/complete', { upload_id })).status).toBe(202)
    await vi.waitFor(() => {
      const work = exporter.getFinishedSpans().filter(({ name }) => name === 'partway.resume')
      expect(work.map(({ parentSpanContext }) => parentSpanContext)).toEqual([undefined])
      const [id] = work.map((span) => span.spanContext().spanId)
      const read = exporter.getFinishedSpans().filter(({ name }) => name === 'bucket.readObject')
      expect(read.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([id])
    })
  })
})
