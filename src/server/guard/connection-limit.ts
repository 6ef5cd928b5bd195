import type { Server } from 'node:http'
import { networkOf } from '../../http/client-address.js'
import { Tally } from '../../http/tally.js'

/** Lets one address have `most` connections of `server` at a time, and closes further ones at once. */
export function limitConnections(server: Server, most: number): void {
  const open = new Tally(most)
  server.on('connection', (socket) => {
    const network = networkOf(socket.remoteAddress) ?? 'unknown'
    if (!open.take(network)) {
      socket.destroy()
      return
    }
    socket.once('close', () => open.giveBack(network))
  })
}
