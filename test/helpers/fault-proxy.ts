import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** A reply, whole. */
export interface ProxiedReply {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Buffer
}

/** What happens to one request. Without any of it, the request and its reply go through. */
export interface Fault {
  /** Before the service sees the request. `drop` resets the connection, a reply stands for its own. */
  readonly before?: () => Intervention | Promise<Intervention>
  /** After the service has answered, and before the caller hears of it. */
  readonly after?: (reply: ProxiedReply) => Intervention | Promise<Intervention>
  /** After the whole reply has been handed on. */
  readonly delivered?: () => void
}

/** `cut` breaks the reply off in the middle; `stall` leaves it there until the caller goes away. */
export type Intervention = 'pass' | 'drop' | 'cut' | 'stall' | ProxiedReply

export interface FaultScript<Name extends string> {
  readonly call: Name
  /** The k-th call of that name, from 1. */
  readonly nth: number
  /** Whether the attempts that an SDK makes of one call by itself meet the fault as well. */
  readonly attempts: 'first' | 'all'
  readonly fault: Fault
}

/** Of larger replies only the beginning is kept: nobody asks for more, and there are many of them. */
const KEPT_BYTES = 64 * 1024

/** What the service has answered, whatever the caller was told. */
export interface Served<Name extends string> {
  readonly name: Name
  readonly path: string
  readonly reply: ProxiedReply
}

/** What the service was asked, whether or not it ever heard of it. */
export interface Asked<Name extends string> {
  readonly name: Name
  readonly path: string
}

export interface FaultProxyOptions<Name extends string> {
  /** Where requests go on to. */
  readonly target: string
  readonly nameOf: (request: IncomingMessage) => Name
}

/**
 * A way to a service on which the k-th call of a kind meets with a fault. It passes `Host` on as it is,
 * because that is signed. A caller that has gone away does not keep its request from being served, as
 * is so with a real service.
 */
export class FaultProxy<Name extends string> {
  /** The names of all calls, in the order of their first attempts. */
  readonly calls: Name[] = []
  /** Every attempt of every call, those that met with a fault included. */
  readonly asked: Asked<Name>[] = []
  /** In the order of the answers. */
  readonly served: Served<Name>[] = []
  /** How often the scripted fault has happened. */
  struck = 0
  readonly #options: FaultProxyOptions<Name>
  readonly #server = createServer((req, res) => this.#track(this.#serve(req, res)))
  readonly #pending = new Set<Promise<void>>()
  readonly #attempts = new Map<string, number>()
  #script: FaultScript<Name> | undefined
  #struckKey = ''

  constructor(options: FaultProxyOptions<Name>) {
    this.#options = options
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** Forgets what was, and lets one call meet with a fault. */
  play(script: FaultScript<Name> | undefined): void {
    this.#script = script
    this.struck = 0
    this.calls.length = 0
    this.asked.length = 0
    this.served.length = 0
    this.#struckKey = ''
    this.#attempts.clear()
  }

  count(name: Name): number {
    return this.calls.filter((call) => call === name).length
  }

  /** Resolves when nothing is on its way any more, late requests included. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #track(work: Promise<void>): void {
    const pending = work.finally(() => this.#pending.delete(pending))
    this.#pending.add(pending)
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const fault = this.#faultOf(req)
    const body = await buffer(req).catch(() => undefined)
    if (body === undefined) return
    const first = (await fault?.before?.()) ?? 'pass'
    if (first !== 'pass') return answer(res, first)
    const reply = await this.#forward(req, body).catch(() => undefined)
    if (reply === undefined) return answer(res, 'drop')
    const kept = { ...reply, body: Buffer.from(reply.body.subarray(0, KEPT_BYTES)) }
    this.served.push({ name: this.#options.nameOf(req), path: req.url ?? '', reply: kept })
    const second = (await fault?.after?.(reply)) ?? 'pass'
    await answer(res, second === 'pass' ? reply : second, reply)
    fault?.delivered?.()
  }

  #faultOf(req: IncomingMessage): Fault | undefined {
    const name = this.#options.nameOf(req)
    // The SDK gives every attempt of one call the same id; a plain request is a call of its own.
    const id = req.headers['amz-sdk-invocation-id']
    const key = typeof id === 'string' ? id : `plain ${this.#attempts.size}`
    const attempt = (this.#attempts.get(key) ?? 0) + 1
    this.#attempts.set(key, attempt)
    this.asked.push({ name, path: req.url ?? '' })
    if (attempt === 1) this.calls.push(name)
    const isStruck = attempt === 1 ? this.#isNext(name) : this.#isAgain(key)
    if (!isStruck) return undefined
    this.#struckKey = key
    this.struck += 1
    return this.#script?.fault
  }

  #isNext(name: Name): boolean {
    return this.#script?.call === name && this.#script.nth === this.count(name)
  }

  #isAgain(key: string): boolean {
    return this.#script?.attempts === 'all' && this.#struckKey === key
  }

  #forward(req: IncomingMessage, body: Buffer): Promise<ProxiedReply> {
    const { hostname, port } = new URL(this.#options.target)
    const { method, url: path } = req
    const headers = { ...req.headers }
    // The body is here already, so nobody is to be asked whether it may be sent.
    delete headers.expect
    return new Promise((resolve, reject) => {
      // A kept connection that the service has just closed would be a fault that nobody asked for.
      const options = { hostname, port, path, method, headers, agent: false }
      const onward = request(options, (reply) => {
        buffer(reply).then((bytes) => {
          resolve({ status: reply.statusCode ?? 502, headers: reply.headers, body: bytes })
        }, reject)
      })
      onward.on('error', reject)
      onward.end(body)
    })
  }
}

async function answer(res: ServerResponse, what: Intervention, real?: ProxiedReply): Promise<void> {
  if (res.destroyed || what === 'pass') return
  if (what === 'drop') {
    res.socket?.resetAndDestroy()
    return
  }
  if (what === 'cut') return cut(res, real)
  if (what === 'stall') return stall(res, real)
  res.writeHead(what.status, what.headers)
  await new Promise<void>((resolve) => {
    res.on('close', resolve)
    res.end(what.body, () => resolve())
  })
}

/** The head of the reply and half of its body, and then nothing more. */
async function cut(res: ServerResponse, reply: ProxiedReply | undefined): Promise<void> {
  if (reply !== undefined) {
    writeHalf(res, reply)
    await sleep(20)
  }
  res.socket?.resetAndDestroy()
}

async function stall(res: ServerResponse, reply: ProxiedReply | undefined): Promise<void> {
  const gone = new Promise<void>((resolve) => res.on('close', resolve))
  if (reply !== undefined) writeHalf(res, reply)
  await gone
}

function writeHalf(res: ServerResponse, { status, headers, body }: ProxiedReply): void {
  const { 'transfer-encoding': _, ...others } = headers
  // Of one byte there is no half, so that it promises another.
  const length = Math.max(body.length, 2)
  res.writeHead(status, { ...others, 'content-length': String(length) })
  res.write(body.subarray(0, Math.ceil(body.length / 2)))
}
