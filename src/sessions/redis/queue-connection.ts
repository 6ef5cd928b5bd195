import { type Cluster, Redis, type RedisOptions } from 'ioredis'

/** When a connection that is silent with commands under way is given up for a new one, in ms. */
const SILENCE_MS = 5_000
const MAX_RECONNECT_DELAY_MS = 500

export interface QueueConnection {
  /** Opens one that does what is asked of it as soon as Redis is there, however long that takes. */
  connect(): Redis | Cluster
  /** That the URL asks for. The connection does not add it. */
  readonly keyPrefix: string
}

/** To the same Redis as the sessions, but on the terms of a queue: what is sent waits, as a queue can be told twice. */
export function queueConnection(text: string): QueueConnection {
  const url = new URL(text)
  const keyPrefix = url.searchParams.get('keyPrefix') ?? ''
  url.searchParams.delete('keyPrefix')
  const connect = () =>
    new QueueRedis(url.href, {
      maxRetriesPerRequest: null,
      connectTimeout: 1_000,
      socketTimeout: SILENCE_MS,
      retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
      // After a failover the old primary may go on as a replica and refuse to write.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    })
  return { connect, keyPrefix }
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
