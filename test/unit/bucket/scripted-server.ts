import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** `reset` closes the connection without a word, `silence` keeps it open. */
export type ScriptedReply =
  | 'reset'
  | 'silence'
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
      readonly endless?: boolean
    }

export interface ScriptedServer {
  readonly url: string
  /** `METHOD /path?query` of each request, in order. */
  readonly requests: readonly string[]
  /** The headers of each of them. */
  readonly headers: readonly IncomingHttpHeaders[]
  stop(): Promise<void>
}

/** An S3 that gives the answers of the script, one after the other; the last again and again. */
export async function scriptedServer(script: readonly ScriptedReply[]): Promise<ScriptedServer> {
  const requests: string[] = []
  const headers: IncomingHttpHeaders[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    const reply = script[Math.min(requests.length, script.length) - 1]
    if (reply === undefined || reply === 'reset') request.socket.destroy()
    else if (reply !== 'silence') request.resume().on('end', () => answer(response, reply))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    headers,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, reply: Exclude<ScriptedReply, string>): void {
  response.writeHead(reply.status, { 'content-type': 'application/xml', ...reply.headers })
  if (reply.endless) response.write(' ')
  else response.end(reply.body)
}
