import type { CallRequest, HttpReply, PutPartRequest, Transport } from '../ports.js'

/** What browsers open to one host over HTTP/1.1. */
const HTTP1_CONNECTIONS = 6

/**
 * `fetch` for the coordinator; `XMLHttpRequest` for parts, because `fetch` tells nothing of how much of a
 * body has gone (https://fetch.spec.whatwg.org/ has no upload progress).
 */
export class XhrTransport implements Transport {
  readonly obeysCors = true
  readonly #fetch: typeof fetch
  readonly #called = new Set<string>()

  constructor(customFetch?: typeof fetch) {
    this.#fetch = customFetch ?? ((input, init) => fetch(input, init))
  }

  async call({ method, url, headers, body, signal }: CallRequest): Promise<HttpReply> {
    this.#called.add(new URL(url).origin)
    const request = { method, headers, signal, redirect: 'manual', cache: 'no-store' } as const
    const reply = await this.#fetch(url, body === undefined ? request : { ...request, body })
    return {
      // A redirect that is not followed has no status that a page may see.
      status: reply.type === 'opaqueredirect' ? 302 : reply.status,
      headers: Object.fromEntries(reply.headers),
      body: await reply.text(),
    }
  }

  putPart({ url, headers, body, signal, onSent }: PutPartRequest): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const xhr = new XMLHttpRequest()
      xhr.open('PUT', url)
      for (const [name, value] of Object.entries(headers)) {
        // The browser sets it itself, from the body, and lets nobody else.
        if (name.toLowerCase() !== 'content-length') xhr.setRequestHeader(name, value)
      }
      xhr.upload.onprogress = ({ loaded }) => onSent(loaded)
      const cancel = () => xhr.abort()
      signal.addEventListener('abort', cancel)
      xhr.onloadend = () => {
        signal.removeEventListener('abort', cancel)
        if (xhr.status > 0) resolve(replyOf(xhr))
        else reject(signal.aborted ? signal.reason : new Error('no answer came'))
      }
      xhr.send(body as XMLHttpRequestBodyInit)
    })
  }

  connectionsTo(url: string): number {
    const { origin, protocol } = new URL(url)
    if (protocol === 'https:' && isMultiplexed(origin)) return Number.POSITIVE_INFINITY
    // Where bucket and coordinator share a host, a call must not queue behind parts.
    return this.#called.has(origin) ? HTTP1_CONNECTIONS - 1 : HTTP1_CONNECTIONS
  }
}

/** Whether the host is known to speak HTTP/2 or later; one that does not tell its timing is not known. */
function isMultiplexed(origin: string): boolean {
  return performance
    .getEntriesByType('resource')
    .some(
      (entry) =>
        entry.name.startsWith(`${origin}/`) &&
        'nextHopProtocol' in entry &&
        /^h[23]/.test(String(entry.nextHopProtocol)),
    )
}

function replyOf(xhr: XMLHttpRequest): HttpReply {
  // `getResponseHeader` would complain in the console about a header that is not exposed.
  const lines = xhr.getAllResponseHeaders().trim().split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return { status: xhr.status, headers: Object.fromEntries(headers), body: xhr.responseText }
}
