import type { Redis } from 'ioredis'
import type { SessionStore } from '../coordinator/ports.js'
import type { StoreConfig } from './config.js'
import { LateStore } from './late-store.js'
import type { Log } from './logging.js'

export interface OpenedStore {
  readonly store: SessionStore
  /** What the operator should mend, in plain words. */
  concerns(): Promise<readonly string[]>
  /** What it is, in plain words. */
  facts(): Promise<readonly string[]>
  /** Its Redis, if that is what it is. Rejects until there has been a connection. */
  readonly redis?: () => Promise<Redis>
}

export interface OpenStoreOptions {
  /** The bucket's name. */
  readonly bucket: string
  readonly log: Log
}

/** Opens the store that the settings name, and loads the code of that one only. */
export async function openStore(
  config: StoreConfig,
  options: OpenStoreOptions,
): Promise<OpenedStore> {
  if (config.kind === 'sqlite') return await openSqlite(config.path)
  return openRedis(config.url, options)
}

/**
 * Of the keys in Redis. With the bucket in it, servers of several buckets may share a Redis: what one of
 * them left to do in its bucket, a server of another would look for in vain, and give up for lost.
 */
export function redisKeyPrefix(bucket: string): string {
  return `partway:${bucket}:`
}

async function openSqlite(path: string): Promise<OpenedStore> {
  const { openSqliteSessionStore } = await import('../sessions/sqlite/index.js')
  return {
    store: await openSqliteSessionStore(path),
    concerns: async () => [],
    facts: async () => [],
  }
}

function openRedis(url: string, { bucket, log }: OpenStoreOptions): OpenedStore {
  let concerns = async (): Promise<readonly string[]> => []
  let facts = async (): Promise<readonly string[]> => []
  let connection: Redis | undefined
  const connect = async (): Promise<SessionStore> => {
    const redisModule = await import('../sessions/redis/index.js')
    const { connectRedisSessionStore, redisConcerns, redisFacts } = redisModule
    // Not louder: it comes with every attempt to connect again, and the calls that fail are told anyway.
    const onFault = (err: Error): void => log.debug({ event: 'store.fault', err })
    const keyPrefix = redisKeyPrefix(bucket)
    const { store, redis } = await connectRedisSessionStore(url, { keyPrefix, log: onFault })
    concerns = () => redisConcerns(redis)
    facts = () => redisFacts(redis)
    connection = redis
    return store
  }
  const store = new LateStore(connect)
  const connected = async (): Promise<Redis> => {
    if (connection === undefined) await store.check()
    if (connection === undefined) throw new Error('Redis is not connected')
    return connection
  }
  return { store, concerns: () => concerns(), facts: () => facts(), redis: connected }
}
