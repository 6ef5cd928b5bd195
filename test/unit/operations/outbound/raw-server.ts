import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Answers whatever is asked by what it is told, on a bare connection. */
export async function rawServer(
  answer: (socket: Socket) => void,
  { isClosed = false } = {},
): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  if (isClosed) stop()
  else onTestFinished(stop)
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Answers, and then goes on in drops. */
export function drip(socket: Socket, beginning: string, drop = 'a'): void {
  socket.write(beginning)
  const timer = setInterval(() => socket.write(drop), 20)
  socket.on('close', () => clearInterval(timer))
}
