import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionStore } from '../../src/coordinator/ports.js'
import { redisKeyPrefix } from '../../src/server/store.js'
import { connectRedisSessionStore } from '../../src/sessions/redis/index.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { ownRedisUrl } from '../helpers/services.js'

/** A store that servers can be given by its URL, and that is open here as well. */
export interface SharedStore {
  /** For `PARTWAY_STORE`. */
  readonly url: string
  readonly store: SessionStore
  close(): Promise<void>
}

export type StoreKind = 'Redis' | 'SQLite'

export async function openShared(kind: StoreKind, bucket: string): Promise<SharedStore> {
  if (kind === 'Redis') {
    const url = ownRedisUrl()
    const { store } = await connectRedisSessionStore(url, {
      keyPrefix: redisKeyPrefix(bucket),
    })
    return { url, store, close: () => store.close() }
  }
  const folder = await mkdtemp(join(tmpdir(), 'partway-faults-'))
  const path = join(folder, `${randomUUID()}.db`)
  const store = openSqliteSessionStore(path)
  const close = async (): Promise<void> => {
    await store.close()
    await rm(folder, { recursive: true })
  }
  return { url: `sqlite:${path}`, store, close }
}
