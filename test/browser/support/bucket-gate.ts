import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'

/** More than the parts of any test have, in bytes. */
const WHOLE_PART = 64 * 1024 * 1024

/** What the gate says to a part instead of the bucket: a status, for as long as it says so. */
export type Refusal = (part: number, attempt: number) => number | undefined

interface HeldPart {
  readonly part: number
  readonly body: Readable
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

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
  readonly #waiting = new Map<ServerResponse, () => void>()
  #limit = Number.POSITIVE_INFINITY

  constructor(bucketUrl: string) {
    this.#target = new URL(bucketUrl)
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this.url
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** From now on only `count` more parts get through; the others wait for the next limit. */
  limit(count: number): void {
    this.#limit = count
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const go of waiting) go()
  }

  /**
   * Lets everything through, once the page has let go of what is held up: a part that it has given up could have
   * arrived here as a whole, and would be stored though nobody waits for it.
   */
  async reopen(): Promise<void> {
    while (this.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    this.limit(Number.POSITIVE_INFINITY)
  }

  /** Parts that are held up, and that the page still waits for. */
  get waiting(): number {
    return this.#waiting.size
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
    if (refused !== undefined) {
      this.#refuse(req, res, refused)
      return
    }
    // Whoever does not read is not told that the other side has gone.
    const body = req.pipe(new PassThrough({ highWaterMark: WHOLE_PART }))
    setTimeout(() => this.#admit({ part, body, req, res }), this.delayMs(attempt))
  }

  #admit(held: HeldPart): void {
    const { req, res } = held
    if (res.destroyed) return
    if (this.#limit <= 0) {
      this.#waiting.set(res, () => this.#admit(held))
      res.on('close', () => this.#waiting.delete(res))
      return
    }
    this.#limit -= 1
    this.#pass(req, res, held)
  }

  #refuse(req: IncomingMessage, res: ServerResponse, status: number): void {
    this.statuses.push(status)
    req.resume()
    req.on('end', () => {
      const headers = { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' }
      res.writeHead(status, headers).end('<Error><Code>SlowDown</Code></Error>')
    })
  }

  #pass(req: IncomingMessage, res: ServerResponse, held?: HeldPart): void {
    const { method, headers } = req
    const { hostname, port } = this.#target
    const onward = request({ hostname, port, path: req.url, method, headers }, (reply) => {
      if (held !== undefined) this.#note(held.part, reply.statusCode ?? 0)
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
    const body = held?.body ?? req
    body.pipe(onward)
  }

  #note(part: number, status: number): void {
    this.statuses.push(status)
    if (status === 200) this.stored.push(part)
  }
}
