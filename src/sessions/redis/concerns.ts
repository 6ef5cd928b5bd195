import type { Cluster, Redis } from 'ioredis'

/**
 * What about this Redis may lose uploads, in words for whoever runs it; empty when all is well. Of a
 * Cluster all primaries are asked. Rejects only when Redis does not answer at all.
 */
export async function redisConcerns(redis: Redis | Cluster): Promise<string[]> {
  await redis.ping()
  const concerns = await Promise.all(primariesOf(redis).map(concernsOf))
  return [...new Set(concerns.flat())]
}

async function concernsOf(redis: Redis): Promise<string[]> {
  const concerns = await Promise.all([
    versionConcern(redis),
    evictionConcern(redis),
    persistenceConcern(redis),
    failoverConcern(redis),
  ])
  return concerns.filter((concern) => concern !== undefined)
}

function primariesOf(redis: Redis | Cluster): readonly Redis[] {
  return 'nodes' in redis ? redis.nodes('master') : [redis]
}

/** What this Redis is, in words for whoever runs it, as far as it tells. */
export async function redisFacts(redis: Redis | Cluster): Promise<string[]> {
  const [server, memory] = await Promise.all([info(redis, 'server'), info(redis, 'memory')])
  const version = server?.get('redis_version')
  const policy = memory?.get('maxmemory_policy')
  const primaries = primariesOf(redis).length
  return [
    ...('nodes' in redis ? [`It is a Cluster of ${primaries} primaries.`] : []),
    ...(version === undefined ? [] : [`It speaks the protocol of Redis ${version}.`]),
    ...(policy === 'noeviction' ? ['It never drops keys to save memory (noeviction).'] : []),
  ]
}

/** The first with all that the scripts need. */
const OLDEST_VERSION = 5

async function versionConcern(redis: Redis): Promise<string | undefined> {
  const version = (await info(redis, 'server'))?.get('redis_version')
  if (version === undefined || Number.parseInt(version, 10) >= OLDEST_VERSION) return undefined
  return `Redis ${version} is too old: Redis ${OLDEST_VERSION} or newer is needed.`
}

async function evictionConcern(redis: Redis): Promise<string | undefined> {
  const memory = await info(redis, 'memory')
  const policy = memory?.get('maxmemory_policy')
  if (policy === undefined) {
    return 'Could not check whether Redis may evict keys (INFO is not allowed). Its maxmemory-policy should be noeviction.'
  }
  const isLimited = memory?.get('maxmemory') !== '0'
  if (!isLimited || policy === 'noeviction') return undefined
  return `Redis may forget uploads that are under way: its maxmemory-policy is ${policy}, so it drops keys when its memory is full. Set it to noeviction.`
}

async function persistenceConcern(redis: Redis): Promise<string | undefined> {
  const persistence = await info(redis, 'persistence')
  if (persistence?.get('aof_enabled') === '1') return undefined
  const schedule = await settingOf(redis, 'save')
  if (schedule === undefined) {
    return 'Could not check whether Redis keeps its data over a restart (CONFIG or INFO is not allowed). Append-only files (appendonly yes) are advised.'
  }
  if (schedule !== '') return undefined
  return 'Redis keeps nothing over a restart (neither append-only file nor snapshots). Uploads are then found again at the bucket, but without what was only recorded; appendonly yes is advised.'
}

/** Only where there is a replica that may be made the primary. */
async function failoverConcern(redis: Redis): Promise<string | undefined> {
  const replicas = Number((await info(redis, 'replication'))?.get('connected_slaves') ?? 0)
  if (replicas === 0 || (await settingOf(redis, 'min-replicas-to-write')) !== '0') return undefined
  return 'A primary of Redis that is cut off from its replicas goes on writing (min-replicas-to-write 0). What it was told until the failover is then lost, and found again only at the bucket; min-replicas-to-write 1 with min-replicas-max-lag 10 is advised.'
}

/** `undefined` when Redis does not tell; INFO has no field for these. */
async function settingOf(
  redis: Redis,
  name: 'save' | 'min-replicas-to-write',
): Promise<string | undefined> {
  try {
    const reply: unknown = await redis.config('GET', name)
    const value: unknown = Array.isArray(reply) ? reply[1] : undefined
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

async function info(
  redis: Redis | Cluster,
  section: 'server' | 'memory' | 'persistence' | 'replication',
): Promise<Map<string, string> | undefined> {
  try {
    const lines = (await redis.info(section)).split('\r\n')
    return new Map(lines.map((line) => splitOnce(line)))
  } catch {
    return undefined
  }
}

function splitOnce(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, Math.max(colon, 0)), line.slice(colon + 1)]
}
