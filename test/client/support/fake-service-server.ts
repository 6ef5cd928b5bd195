import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HttpReply } from '../../../src/client/ports.js'
import type { FakeService } from './fake-service.js'

export interface FakeServiceServer {
  readonly url: string
  /** The headers of every call of the coordinator. */
  readonly headers: IncomingMessage['headers'][]
  close(): Promise<void>
}

/** The fake coordinator and bucket behind a real port. A `reset` breaks the connection. */
export async function serveFake(service: FakeService): Promise<FakeServiceServer> {
  const headers: IncomingMessage['headers'][] = []
  const server = createServer(async (request, response) => {
    if (request.method !== 'PUT') headers.push(request.headers)
    try {
      reply(response, await answer(service, request))
    } catch {
      response.destroy()
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  service.bucketOrigin = url
  return {
    url,
    headers,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

async function answer(service: FakeService, request: IncomingMessage): Promise<HttpReply> {
  const body = Buffer.concat(await request.toArray())
  const url = `${service.bucketOrigin}${request.url}`
  const { signal } = new AbortController()
  if (request.method === 'PUT') {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    )
    return service.putPart({ url, headers, body, signal, onSent: () => {} })
  }
  const text = body.length === 0 ? {} : { body: body.toString() }
  const method = request.method === 'GET' ? 'GET' : 'POST'
  return service.call({ method, url, headers: {}, ...text, signal })
}

function reply(response: ServerResponse, { status, headers, body }: HttpReply): void {
  response.writeHead(status, headers).end(body)
}
