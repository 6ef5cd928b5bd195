import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `reset` closes the connection without a word, `silence` keeps it open. */
export type ScriptedReply =
  | 'reset'
  | 'silence'
  | { readonly status: number; readonly body?: string; readonly endless?: boolean }

export interface ScriptedServer {
  readonly url: string
  /** `METHOD /path?query` of each request, in order. */
  readonly requests: readonly string[]
  stop(): Promise<void>
}

/** An S3 that gives the answers of the script, one after the other; the last again and again. */
export async function scriptedServer(script: readonly ScriptedReply[]): Promise<ScriptedServer> {
  const requests: string[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`)
    const reply = script[Math.min(requests.length, script.length) - 1]
    if (reply === undefined || reply === 'reset') request.socket.destroy()
    else if (reply !== 'silence') request.resume().on('end', () => answer(response, reply))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, reply: Exclude<ScriptedReply, string>): void {
  response.writeHead(reply.status, { 'content-type': 'application/xml' })
  if (reply.endless) response.write(' ')
  else response.end(reply.body)
}
