import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Received {
  readonly url: string
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface TestServer {
  readonly port: number
  readonly received: Received[]
  /** How many were connected, whether or not they asked for anything. */
  readonly connections: () => number
}

/** A server on 127.0.0.1 that keeps what it is sent. It ends with the test. */
export async function testServer(
  answer: (res: ServerResponse, req: Received) => void,
): Promise<TestServer> {
  const received: Received[] = []
  let connections = 0
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
    const { url = '', method = '', headers } = req
    const one = { url, method, headers, body: Buffer.concat(chunks).toString() }
    received.push(one)
    answer(res, one)
  })
  server.on('connection', () => {
    connections += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    received,
    connections: () => connections,
  }
}
