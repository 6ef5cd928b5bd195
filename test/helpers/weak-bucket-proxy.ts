import { createServer, request as forward, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface WeakBucketProxy {
  readonly url: string
  stop(): Promise<void>
}

/** A real bucket server behind a proxy that answers 501 to whatever `refuses`. */
export async function weakBucketProxy(
  serviceUrl: string,
  refuses: (request: IncomingMessage) => boolean,
): Promise<WeakBucketProxy> {
  const { hostname, port } = new URL(serviceUrl)
  const server = createServer((incoming, outgoing) => {
    if (refuses(incoming)) {
      incoming.resume().on('end', () => {
        outgoing.writeHead(501).end('<Error><Code>NotImplemented</Code></Error>')
      })
      return
    }
    // `Host` goes on as it came: it is signed.
    const { method, url: path, headers } = incoming
    const onward = forward({ hostname, port, method, path, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      }),
  }
}
