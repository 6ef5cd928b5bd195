import { Redis } from 'ioredis'
import { RedisSessionStore } from './redis-session-store.js'

/** How long a call waits for a Redis that does not answer, in ms. */
const COMMAND_TIMEOUT_MS = 1_000
/** When a connection that is silent with commands under way is given up for a new one, in ms. */
const SILENCE_MS = 3_000
const MAX_RECONNECT_DELAY_MS = 500

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
  readonly redis: Redis
}

/**
 * Opens a connection to `redis://…` or `rediss://…` and rejects when that fails. Later on, calls reject
 * within about a second while Redis is away, and work again as soon as it is back.
 *
 * A command is never sent twice. What became of one whose connection broke is not known, and a claim
 * that was granted, sent again, would be answered `busy` to the very caller that holds it.
 */
export async function connectRedisSessionStore(
  url: string,
  { keyPrefix, log = () => {} }: ConnectOptions = {},
): Promise<ConnectedRedis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: COMMAND_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
    // After a failover the old primary may go on as a replica and refuse to write.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  })
  let fault: Error | undefined
  redis.on('error', (error: Error) => {
    fault = error
    log(error)
  })
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    throw new Error('Redis does not answer', { cause: fault ?? error })
  }
  const prefix = keyPrefix === undefined ? {} : { keyPrefix }
  return { store: new RedisSessionStore({ redis, ...prefix, ownsConnection: true }), redis }
}
