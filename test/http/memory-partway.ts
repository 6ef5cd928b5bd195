import { createPartway, type PartwayOptions } from '../../src/coordinator/create-partway.js'
import type { Partway } from '../../src/coordinator/partway.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import type { MemoryBucket } from '../helpers/memory-bucket.js'

/** A coordinator whose store and bucket are in memory. */
export function memoryPartway(
  bucket: MemoryBucket,
  options: Partial<PartwayOptions> = {},
): Partway {
  return createPartway({
    store: openSqliteSessionStore(':memory:'),
    bucket,
    signer: bucket,
    secret: 'a-secret-of-more-than-thirty-two-bytes',
    ...options,
  })
}
