import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A way to the bucket that counts the parts that got through and, when told to, lets no more of them
 * through: so a client can be stopped at a known place. It stands where the clients' public endpoint
 * is, and passes the `Host` on as it is, because that is signed.
 */
export class PartGate {
  /** The part numbers that the bucket took, in order. */
  readonly stored: number[] = []
  readonly #target: URL
  readonly #server = createServer((req, res) => this.#pass(req, res))
  readonly #waiting: [IncomingMessage, ServerResponse][] = []
  #limit = Number.POSITIVE_INFINITY

  constructor(bucketUrl: string) {
    this.#target = new URL(bucketUrl)
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** From now on only `count` more parts get through; the others wait for the next limit. */
  limit(count: number): void {
    this.#limit = count
    for (const [req, res] of this.#waiting.splice(0)) this.#pass(req, res)
  }

  /** How many parts wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Cuts off the parts that wait. */
  drop(): void {
    for (const [, res] of this.#waiting.splice(0)) res.destroy()
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #pass(req: IncomingMessage, res: ServerResponse): void {
    const url = new URL(req.url ?? '/', this.#target)
    const part = url.searchParams.get('partNumber')
    if (part !== null && this.#limit <= 0) {
      this.#waiting.push([req, res])
      return
    }
    if (part !== null) this.#limit -= 1
    const { method, headers } = req
    const { hostname, port } = this.#target
    if (res.destroyed) return
    const onward = request({ hostname, port, path: req.url, method, headers }, (reply) => {
      if (part !== null && reply.statusCode === 200) this.stored.push(Number(part))
      res.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(res)
    })
    onward.on('error', () => res.destroy())
    req.on('error', () => onward.destroy())
    req.pipe(onward)
  }
}
