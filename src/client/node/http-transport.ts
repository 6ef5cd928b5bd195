import {
  type Agent,
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { CallRequest, HttpReply, PutPartRequest, Transport } from '../ports.js'
import { writeBody } from './write-body.js'

/** Answers of the bucket are short; more than this of one is not kept. */
const LONGEST_PUT_REPLY = 64 * 1024
/** The longest answer of the coordinator is the status of 10,000 parts, about 2 MiB. */
const LONGEST_CALL_REPLY = 32 * 1024 * 1024

interface Sending {
  readonly method: string
  readonly url: URL
  readonly headers: Record<string, string | number>
  readonly signal: AbortSignal
  readonly agent: Agent
  readonly longestReply: number
}

/**
 * `Transport` on `node:http` and `node:https`, with connections kept alive. Calls and parts have agents
 * of their own: where bucket and coordinator share a host, a call must not queue behind parts.
 */
export class HttpTransport implements Transport {
  readonly obeysCors = false
  readonly #calls = new Agents(4)
  readonly #parts: Agents

  /** `concurrency`: parts in flight, so connections to one bucket host. */
  constructor({ concurrency }: { readonly concurrency: number }) {
    this.#parts = new Agents(concurrency)
  }

  call({ method, url, headers, body, signal }: CallRequest): Promise<HttpReply> {
    const target = new URL(url)
    const bytes = body === undefined ? undefined : Buffer.from(body)
    const length = bytes === undefined ? {} : { 'content-length': bytes.length }
    const sending: Sending = {
      ...{ method, url: target, signal, longestReply: LONGEST_CALL_REPLY },
      headers: { ...headers, ...length },
      agent: this.#calls.for(target),
    }
    return exchange(sending, (request) => request.end(bytes))
  }

  async putPart({ url, headers, body: given, signal, onSent }: PutPartRequest): Promise<HttpReply> {
    const body = given instanceof Blob ? new Uint8Array(await given.arrayBuffer()) : given
    const target = new URL(url)
    const sending: Sending = {
      ...{ method: 'PUT', url: target, signal, longestReply: LONGEST_PUT_REPLY },
      headers: { ...headers, 'content-length': body.length },
      agent: this.#parts.for(target),
    }
    return exchange(sending, (request) => writeBody(request, body, onSent))
  }

  connectionsTo(): number {
    return Number.POSITIVE_INFINITY
  }

  /** Closes the connections that are kept alive. */
  close(): void {
    this.#calls.close()
    this.#parts.close()
  }
}

class Agents {
  readonly #http: HttpAgent
  readonly #https: HttpsAgent

  constructor(maxSockets: number) {
    this.#http = new HttpAgent({ keepAlive: true, maxSockets })
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets })
  }

  for(url: URL): Agent {
    return url.protocol === 'https:' ? this.#https : this.#http
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }
}

/**
 * One request and its answer. A server that refuses early answers while the body is still being
 * written, and may then reset the connection: once the head of an answer is here it is the answer,
 * whatever becomes of the connection.
 */
function exchange(sending: Sending, send: (request: ClientRequest) => void): Promise<HttpReply> {
  const { method, url, headers, agent, signal, longestReply } = sending
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = start(url, { method, headers, agent })
    const cancel = () => request.destroy()
    signal.addEventListener('abort', cancel)
    const settle = (finish: () => void) => {
      signal.removeEventListener('abort', cancel)
      // Bytes that still wait to be written belong to a buffer that is about to be used again.
      if (!request.writableFinished) request.destroy()
      finish()
    }
    let reply: Promise<HttpReply> | undefined
    request.on('response', (response) => {
      reply = readReply(response, longestReply)
      reply.then(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(signal.aborted ? signal.reason : error)),
      )
    })
    request.on('error', (error) => {
      if (reply === undefined) settle(() => reject(signal.aborted ? signal.reason : error))
    })
    request.on('close', () => {
      if (reply === undefined) settle(() => reject(signal.reason ?? new Error('socket hang up')))
    })
    send(request)
  })
}

/** What came of the answer. A body that is cut off counts only for an error, whose status says enough. */
function readReply(response: IncomingMessage, longest: number): Promise<HttpReply> {
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    if (length < longest) chunks.push(chunk)
    length += chunk.length
  })
  return new Promise((resolve, reject) => {
    const { statusCode: status = 0 } = response
    const finish = () => {
      const body = Buffer.concat(chunks).toString('utf8')
      resolve({ status, headers: flatHeaders(response), body })
    }
    response.on('end', finish)
    response.on('error', (error) => (status >= 400 ? finish() : reject(error)))
  })
}

function flatHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
}
