import type { SessionStore } from '../coordinator/ports.js'
import type { StoreConfig } from './config.js'
import { LateStore } from './late-store.js'
import type { Log } from './logging.js'

export interface OpenedStore {
  readonly store: SessionStore
  /** What the operator should mend, in plain words. */
  concerns(): Promise<readonly string[]>
}

/** Opens the store that the settings name, and loads the code of that one only. */
export async function openStore(config: StoreConfig, log: Log): Promise<OpenedStore> {
  return config.kind === 'sqlite' ? await openSqlite(config.path) : openRedis(config.url, log)
}

async function openSqlite(path: string): Promise<OpenedStore> {
  const { openSqliteSessionStore } = await import('../sessions/sqlite/index.js')
  return { store: await openSqliteSessionStore(path), concerns: async () => [] }
}

function openRedis(url: string, log: Log): OpenedStore {
  let concerns = async (): Promise<readonly string[]> => []
  const connect = async (): Promise<SessionStore> => {
    const { connectRedisSessionStore, redisConcerns } = await import('../sessions/redis/index.js')
    // Not louder: it comes with every attempt to connect again, and the calls that fail are told anyway.
    const onFault = (err: Error): void => log.debug({ event: 'store.fault', err })
    const { store, redis } = await connectRedisSessionStore(url, { log: onFault })
    concerns = () => redisConcerns(redis)
    return store
  }
  return { store: new LateStore(connect), concerns: () => concerns() }
}
