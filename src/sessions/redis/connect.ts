import { type Cluster, Redis } from 'ioredis'
import { parseRedisAddress, type RedisAddress } from './address.js'
import { connectCluster, newCluster } from './cluster-connection.js'
import { LASTING_OPTIONS } from './connection-options.js'
import { RedisSessionStore } from './redis-session-store.js'
import { SentinelRedis } from './sentinel-connection.js'

export interface ConnectOptions {
  /** @default 'partway:' */
  readonly keyPrefix?: string
  /** Told of every fault of the connection; a new one is made by itself. */
  readonly log?: (fault: Error) => void
}

export interface ConnectedRedis {
  /** Ends the connection when it is closed. */
  readonly store: RedisSessionStore
  /** The connection itself, for `redisConcerns`. */
  readonly redis: Redis | Cluster
}

/**
 * Opens a connection to one Redis, a Cluster, or the primary that Sentinels name (the forms are those of
 * `PARTWAY_STORE`), and rejects when that fails. Later on, calls reject within about a second while Redis is away, and
 * work again as soon as it is back. Throws a RangeError for a URL of another form.
 */
export async function connectRedisSessionStore(
  url: string,
  { keyPrefix, log = () => {} }: ConnectOptions = {},
): Promise<ConnectedRedis> {
  const outcome = parseRedisAddress(url)
  if (outcome.kind === 'problem') throw new RangeError(`The URL of Redis ${outcome.problem}`)
  const redis = newConnection(outcome.address)
  let fault: Error | undefined
  const onFault = (error: Error): void => {
    fault = error
    log(error)
  }
  for (const event of ['error', 'node error', 'sentinelError']) redis.on(event, onFault)
  try {
    await ('nodes' in redis ? connectCluster(redis) : redis.connect())
  } catch (error) {
    redis.disconnect()
    throw new Error('Redis does not answer', { cause: fault ?? error })
  }
  const prefix = keyPrefix === undefined ? {} : { keyPrefix }
  return { store: new RedisSessionStore({ redis, ...prefix, ownsConnection: true }), redis }
}

function newConnection(address: RedisAddress): Redis | Cluster {
  switch (address.kind) {
    case 'single':
      return new Redis(address.url, LASTING_OPTIONS)
    case 'cluster':
      return newCluster(address)
    case 'sentinel':
      return new SentinelRedis(address)
  }
}
