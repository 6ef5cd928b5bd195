import { setMaxListeners } from 'node:events'
import { hashBytes } from '../checksum/node.js'
import { systemClock } from './node/clock.js'
import { HttpTransport } from './node/http-transport.js'
import { openFile } from './node/open-file.js'
import { ALWAYS_ONLINE } from './online.js'
import type { ClientPorts } from './ports.js'
import { uploadFile as uploadSource } from './upload-file.js'
import { checkedConcurrency, type UploadOptions, type UploadResult } from './upload-options.js'

export { type CallOptions, CoordinatorApi, type CoordinatorApiOptions } from './api.js'
export type * from './events.js'
export { type OpenFile, openFile } from './node/open-file.js'
export {
  CLIENT_ERROR_CODES,
  type ClientErrorCode,
  PartwayError,
  type PartwayErrorDetails,
} from './partway-error.js'
export type * from './ports.js'
export type { RetryPolicy } from './retry.js'
export { MAX_CONCURRENCY, type UploadOptions, type UploadResult } from './upload-options.js'
export { HttpTransport }

/** The engine's ports on Node. `transport.close()` lets go of the connections. */
export function nodePorts(options: { readonly concurrency: number }): ClientPorts & {
  readonly transport: HttpTransport
} {
  return {
    transport: new HttpTransport(options),
    clock: systemClock,
    hasher: { hash: hashBytes },
    online: ALWAYS_ONLINE,
    random: Math.random,
    createAbortController() {
      const controller = new AbortController()
      setMaxListeners(0, controller.signal)
      return controller
    },
  }
}

/**
 * Uploads the file at `path`, going on where an earlier upload of it stopped; resolves only when the
 * server has proven the object. Rejects with `PartwayError`; after any failure the same call goes on
 * with what has arrived.
 *
 * ```ts
 * const { object } = await uploadFile('film.mkv', { server: 'https://uploads.example.org' })
 * ```
 */
export async function uploadFile(path: string, options: UploadOptions): Promise<UploadResult> {
  const ports = nodePorts({ concurrency: checkedConcurrency(options.concurrency).max })
  const source = await openFile(path)
  try {
    return await uploadSource(source, ports, options)
  } finally {
    await source.close()
    ports.transport.close()
  }
}
