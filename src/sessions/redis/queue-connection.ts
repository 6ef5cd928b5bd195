import { type Cluster, Redis, type RedisOptions } from 'ioredis'
import { parseRedisAddress, type RedisAddress } from './address.js'
import { HeardCluster } from './cluster-connection.js'
import { COMMAND_TIMEOUT_MS, retryDelayMs } from './connection-options.js'
import { sentinelOptions } from './sentinel-connection.js'

/** When a connection that is silent with commands under way is given up for a new one, in ms. */
const SILENCE_MS = 5_000

export interface QueueConnection {
  /** Opens one that does what is asked of it as soon as Redis is there, however long that takes. */
  connect(): Redis | Cluster
  /** That the URL asks for. The connection does not add it. */
  readonly keyPrefix: string
}

const OPTIONS = {
  maxRetriesPerRequest: null,
  connectTimeout: COMMAND_TIMEOUT_MS,
  retryStrategy: retryDelayMs,
  // After a failover the old primary may go on as a replica and refuse to write.
  reconnectOnError: (error: Error) => error.message.includes('READONLY'),
} as const satisfies RedisOptions

/**
 * To the same Redis as the sessions, but on the terms of a queue: what is sent waits, as a queue can be told twice.
 * Throws a RangeError for a URL that is none of Redis.
 */
export function queueConnection(text: string): QueueConnection {
  const outcome = parseRedisAddress(text)
  if (outcome.kind === 'problem') throw new RangeError(`The URL of Redis ${outcome.problem}`)
  const { address } = outcome
  if (address.kind !== 'single') return { connect: () => connectTo(address), keyPrefix: '' }
  const url = new URL(address.url)
  const keyPrefix = url.searchParams.get('keyPrefix') ?? ''
  url.searchParams.delete('keyPrefix')
  return { connect: () => connectTo({ kind: 'single', url: url.href }), keyPrefix }
}

function connectTo(address: RedisAddress): Redis | Cluster {
  switch (address.kind) {
    case 'single':
      return new QueueRedis(address.url, { ...OPTIONS, socketTimeout: SILENCE_MS })
    case 'sentinel':
      return new QueueRedis({
        ...OPTIONS,
        ...sentinelOptions(address),
        socketTimeout: SILENCE_MS,
        sentinelRetryStrategy: retryDelayMs,
      })
    case 'cluster':
      // Without `socketTimeout`, which its copies would inherit: see below.
      return new HeardCluster(address, { redisOptions: OPTIONS })
  }
}

class QueueRedis extends Redis {
  /**
   * For a worker that waits for jobs in silence. BullMQ looks after that one itself, and the timer of `socketTimeout`, which
   * ioredis leaves behind when a connection ends, would keep a process that stops from ending.
   */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    const { socketTimeout: _, ...options } = this.options
    return new Redis({ ...options, ...override })
  }
}
