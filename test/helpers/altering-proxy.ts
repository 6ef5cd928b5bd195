import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Headers of replies by the value that they are to have, or `undefined` for none. */
export type CorsChange = Readonly<Record<string, string | undefined>>

/** A real bucket server behind a proxy that changes headers of its replies. */
export async function alteringProxy(
  serviceUrl: string,
  change: CorsChange,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const { hostname, port } = new URL(serviceUrl)
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    const onward = forward({ hostname, port, method, path, headers }, (reply) => {
      const changed = Object.entries({ ...reply.headers, ...change })
      outgoing.writeHead(
        reply.statusCode ?? 502,
        Object.fromEntries(changed.filter(([, value]) => value !== undefined)),
      )
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
