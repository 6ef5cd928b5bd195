import type { Cluster, Redis } from 'ioredis'

/** Names that one call of Redis looks through. */
const BATCH = 1_000

/**
 * The keys that begin with `prefix` and go on like the glob `rest`, on every primary, each at least once. Redis looks
 * through all of its keys for that, a thousand at a time.
 */
export async function* keysLike(
  redis: Redis | Cluster,
  prefix: string,
  rest: string,
): AsyncGenerator<string> {
  // A prefix of the connection is put before what is asked for, but not taken from what is found.
  const own = redis.options.keyPrefix ?? ''
  const match = `${(own + prefix).replace(/[*?[\]\\]/g, '\\$&')}${rest}`
  for (const node of 'nodes' in redis ? redis.nodes('master') : [redis]) {
    for await (const keys of node.scanStream({ match, count: BATCH })) {
      for (const key of keys as readonly string[]) yield key.slice(own.length)
    }
  }
}
