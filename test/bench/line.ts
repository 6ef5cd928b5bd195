import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What may go ahead of the line's pace, in ms. */
const AHEAD_MS = 10

/** A line of limited speed to a server: all connections over it share so many bytes a second, upwards. */
export class Line {
  readonly #bytesPerMs: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #freeAt = 0

  private constructor(target: URL, bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000
    this.#server = createServer((near) => this.#join(near, target))
  }

  static async open(target: URL, bytesPerSecond: number): Promise<Line> {
    const line = new Line(target, bytesPerSecond)
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(near: Socket, { hostname, port }: URL): void {
    const far = connect({ host: hostname, port: Number(port) })
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket.setNoDelay())
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    far.pipe(near)
    near.on('data', (bytes) => {
      const waitMs = this.#carry(bytes.length)
      const isFull = !far.write(bytes)
      if (waitMs <= AHEAD_MS && !isFull) return
      near.pause()
      const drained = isFull ? new Promise((resolve) => far.once('drain', resolve)) : undefined
      setTimeout(() => Promise.resolve(drained).then(() => near.resume()), waitMs)
    })
    near.on('end', () => far.end())
  }

  /** How long the line is taken from now on, in ms. */
  #carry(bytes: number): number {
    const now = performance.now()
    this.#freeAt = Math.max(this.#freeAt, now) + bytes / this.#bytesPerMs
    return this.#freeAt - now
  }
}
