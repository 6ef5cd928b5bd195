import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Stands before the real Redis and can be away, cut its connections, or be silent. */
export class RedisGate {
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  readonly #replies = new Set<Socket>()
  #server: Server | undefined
  #port = 0

  constructor(target: string) {
    this.#target = new URL(target)
  }

  async listen(): Promise<string> {
    this.#server = createServer((client) => this.#relay(client))
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    this.#port = isAddress(address) ? address.port : 0
    const url = new URL(this.#target)
    url.host = `127.0.0.1:${this.#port}`
    return url.href
  }

  /** Keeps back what Redis replies, until told to speak again. */
  silence(isSilent: boolean): void {
    for (const redis of this.#replies) {
      if (isSilent) redis.pause()
      else redis.resume()
    }
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server?.close(done) ?? done(undefined))
    this.cut()
    await closed
  }

  #relay(client: Socket): void {
    const redis = connect(Number(this.#target.port || 6379), this.#target.hostname)
    client.on('data', (chunk) => redis.write(chunk))
    redis.on('data', (chunk) => client.write(chunk))
    this.#replies.add(redis)
    redis.on('close', () => this.#replies.delete(redis))
    for (const [socket, other] of [[client, redis] as const, [redis, client] as const]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}
