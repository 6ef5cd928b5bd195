import type { Readable } from 'node:stream'
import type { Request } from 'express'
import type { Caller, Partway } from '../coordinator/partway.js'
import { UploadError } from '../coordinator/upload-error.js'
import { type ChunkReply, chunkQuery } from '../protocol/index.js'
import { queryOf } from './body.js'
import { fileInForm, requireForm } from './part-form.js'

/** How parts are taken that go through the server to the bucket. */
export interface RelayOptions {
  /** Parts that may be on their way in this process at a time; further ones are answered 503. @default 16 */
  readonly concurrency?: number
  /** Milliseconds in which a part must have come. @default 300_000 */
  readonly timeoutMs?: number
  /** Milliseconds in which some of it must come. @default 30_000 */
  readonly idleMs?: number
}

const RETRY_AFTER_MS = 1_000

/** Throws a `TypeError` when the coordinator has no way to the bucket, or an option cannot work. */
export function relayOf(partway: Partway, options: RelayOptions) {
  const { concurrency = 16, timeoutMs = 300_000, idleMs = 30_000 } = options
  const chunk = partway.chunk?.bind(partway)
  if (chunk === undefined) throw new TypeError('relay needs a coordinator that was given a relay')
  if (!(concurrency >= 1)) throw new TypeError('relay.concurrency must be at least 1')
  let underWay = 0

  const relayed = async (caller: Caller, req: Request): Promise<ChunkReply> => {
    requireForm(req)
    const { uploadId, index, contentHash } = queryOf(req, chunkQuery)
    let file: Readable | undefined
    const receive = (size: number) => {
      file = fileInForm(req, { size, timeoutMs, idleMs })
      return file
    }
    try {
      return await chunk(caller, { uploadId, index: Number(index), contentHash, receive })
    } finally {
      file?.destroy()
    }
  }

  return async (caller: Caller, req: Request): Promise<ChunkReply> => {
    if (underWay >= concurrency) {
      const words = `${concurrency} parts are on their way through this server already; try again.`
      throw new UploadError('RELAY_BUSY', words, { retryAfterMs: RETRY_AFTER_MS })
    }
    underWay += 1
    try {
      return await relayed(caller, req)
    } finally {
      underWay -= 1
    }
  }
}
