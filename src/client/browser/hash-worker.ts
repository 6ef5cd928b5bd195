import type { HashMode } from '../../checksum/part-hasher.js'
import { hashBytes } from '../../checksum/web.js'
import { BufferPool } from '../buffer-pool.js'
import { readBlob } from './read-blob.js'

/** Memory that nobody has asked for during so long is let go. */
const IDLE_MS = 5_000

/**
 * The worker of `hash-thread.ts`: it reads a piece and answers with its checksum. An answer without one says that the
 * page has to do it, and to tell why it cannot be done. The first message, before any piece, says that it runs.
 */
let pool = new BufferPool(0)
let idle: ReturnType<typeof setTimeout> | undefined

addEventListener('message', async ({ data: { id, mode, piece } }: MessageEvent<Task>) => {
  if (pool.bytes < piece.size) pool = new BufferPool(piece.size)
  const hash = await pool
    .lend(async (buffer) => {
      const bytes = await readBlob(piece, buffer)
      return bytes.length === piece.size ? hashBytes(mode, bytes) : undefined
    })
    .catch(() => undefined)
  clearTimeout(idle)
  idle = setTimeout(() => {
    pool = new BufferPool(0)
  }, IDLE_MS)
  postMessage({ id, hash })
})
postMessage({})

interface Task {
  readonly id: number
  readonly mode: HashMode
  readonly piece: Blob
}
