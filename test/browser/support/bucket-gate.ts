import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the gate says to a part instead of the bucket: a status, for as long as it says so. */
export type Refusal = (part: number, attempt: number) => number | undefined

/**
 * The way from a page to the bucket, at the place of the clients' public endpoint: it counts the parts, holds
 * them up, and answers in the bucket's stead. `Host` is passed on as it is, because that is signed.
 */
export class BucketGate {
  /** The part numbers in the order in which they were asked for, and in which the bucket took them. */
  readonly asked: number[] = []
  readonly stored: number[] = []
  /** The statuses of all answers to parts. */
  readonly statuses: number[] = []
  refuse: Refusal = () => undefined
  /** How long a part is held up before the bucket sees it, in ms. */
  delayMs: (attempt: number) => number = () => 0
  exposesEtag = true
  readonly #target: URL
  readonly #server = createServer((req, res) => this.#take(req, res))
  readonly #waiting: (() => void)[] = []
  #limit = Number.POSITIVE_INFINITY

  constructor(bucketUrl: string) {
    this.#target = new URL(bucketUrl)
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** From now on only `count` more parts get through; the others wait for the next limit. */
  limit(count: number): void {
    this.#limit = count
    for (const go of this.#waiting.splice(0)) go()
  }

  get waiting(): number {
    return this.#waiting.length
  }

  #take(req: IncomingMessage, res: ServerResponse): void {
    const { searchParams } = new URL(req.url ?? '/', this.#target)
    const number = searchParams.get('partNumber')
    // The question before (CORS preflight) names the part as well, and is none.
    const part = req.method === 'PUT' && number !== null ? Number(number) : undefined
    if (part === undefined) this.#pass(req, res)
    else this.#receive(part, req, res)
  }

  #receive(part: number, req: IncomingMessage, res: ServerResponse): void {
    this.asked.push(part)
    const attempt = this.asked.filter((one) => one === part).length
    const refused = this.refuse(part, attempt)
    if (refused !== undefined) this.#refuse(req, res, refused)
    else setTimeout(() => this.#admit(part, req, res), this.delayMs(attempt))
  }

  #admit(part: number, req: IncomingMessage, res: ServerResponse): void {
    if (this.#limit <= 0) {
      this.#waiting.push(() => this.#admit(part, req, res))
      return
    }
    if (res.destroyed) return
    this.#limit -= 1
    this.#pass(req, res, part)
  }

  #refuse(req: IncomingMessage, res: ServerResponse, status: number): void {
    this.statuses.push(status)
    req.resume()
    req.on('end', () => {
      const headers = { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' }
      res.writeHead(status, headers).end('<Error><Code>SlowDown</Code></Error>')
    })
  }

  #pass(req: IncomingMessage, res: ServerResponse, part?: number): void {
    const { method, headers } = req
    const { hostname, port } = this.#target
    const onward = request({ hostname, port, path: req.url, method, headers }, (reply) => {
      if (part !== undefined) this.#note(part, reply.statusCode ?? 0)
      const { 'access-control-expose-headers': exposed, ...others } = reply.headers
      const shown = exposed !== undefined && this.exposesEtag
      res.writeHead(reply.statusCode ?? 502, {
        ...others,
        ...(shown ? { 'access-control-expose-headers': exposed } : {}),
      })
      reply.pipe(res)
    })
    onward.on('error', () => res.destroy())
    req.on('error', () => onward.destroy())
    req.pipe(onward)
  }

  #note(part: number, status: number): void {
    this.statuses.push(status)
    if (status === 200) this.stored.push(part)
  }
}
