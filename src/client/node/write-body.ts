import type { ClientRequest } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'

/** Large enough to keep the connection busy, small enough to show progress. */
const SLICE = 256 * 1024

/**
 * Writes the body slice by slice, each when the one before has gone, so that progress is what went and
 * not what was queued.
 *
 * Between slices the event loop gets a turn to read: an early refusal followed by a reset would
 * otherwise be overtaken by the error of the next write, and be lost with the connection.
 */
export async function writeBody(
  request: ClientRequest,
  body: Uint8Array,
  onSent: (bytes: number) => void,
): Promise<void> {
  let isAnswered = false
  request.once('response', () => {
    isAnswered = true
  })
  for (let sent = 0; sent < body.length; await turn()) {
    if (isAnswered || request.destroyed) return
    const slice = body.subarray(sent, sent + SLICE)
    if (!(await write(request, slice))) return
    sent += slice.length
    onSent(sent)
    // At once after the last slice: the answer to a whole body must find a finished request, or the
    // connection would be thrown away.
    if (sent === body.length) request.end()
  }
}

/** Resolves to `false` when the slice cannot be written; the request itself tells why. */
function write(request: ClientRequest, slice: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const fail = () => resolve(false)
    request.once('close', fail)
    request.write(slice, (error) => {
      request.off('close', fail)
      resolve(error === undefined || error === null)
    })
  })
}
