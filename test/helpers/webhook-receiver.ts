import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly headers: Record<string, string>
  readonly body: string
}

interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
}

/** A web server that keeps what it is told, and answers as it is bidden. */
export class WebhookReceiver {
  readonly received: Received[] = []
  /** Whose sender was gone before it was answered. */
  readonly abandoned: Received[] = []
  answer: (received: Received) => Answer | Promise<Answer> = () => ({ status: 204 })
  readonly #server: Server

  constructor() {
    this.#server = createServer(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
      const headers = req.headers as Record<string, string>
      const one = { headers, body: Buffer.concat(chunks).toString() }
      this.received.push(one)
      res.once('close', () => {
        if (!res.writableEnded) this.abandoned.push(one)
      })
      const { status, headers: more } = await this.answer(one)
      res.writeHead(status, more).end()
    })
  }

  get ids(): string[] {
    return this.received.map(({ headers }) => headers['webhook-id'] ?? '')
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
