import type { RedisOptions } from 'ioredis'

/** How long a call waits for a Redis that does not answer, in ms. */
export const COMMAND_TIMEOUT_MS = 1_000
/** When a connection that is silent with commands under way is given up for a new one, in ms. */
const SILENCE_MS = 3_000
const MAX_RECONNECT_DELAY_MS = 500

export const retryDelayMs = (attempt: number): number =>
  Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS)

/**
 * A command is never sent twice. What became of one whose connection broke is not known, and a claim that
 * was granted, sent again, would be answered `busy` to the very caller that holds it.
 */
export const NODE_OPTIONS = {
  connectTimeout: COMMAND_TIMEOUT_MS,
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SILENCE_MS,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
} as const satisfies RedisOptions

/** Of a connection that by itself finds its Redis again. */
export const LASTING_OPTIONS = {
  ...NODE_OPTIONS,
  lazyConnect: true,
  enableOfflineQueue: false,
  retryStrategy: retryDelayMs,
  // After a failover the old primary may go on as a replica and refuse to write. Redis 6 says so within a sentence.
  reconnectOnError: (error: Error) => error.message.includes('READONLY'),
} as const satisfies RedisOptions
