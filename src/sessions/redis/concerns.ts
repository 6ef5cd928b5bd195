import type { Cluster, Redis } from 'ioredis'

/**
 * What about this Redis may lose uploads, in words for whoever runs it; empty when all is well. Of a
 * Cluster one node is asked. Rejects only when Redis does not answer at all.
 */
export async function redisConcerns(redis: Redis | Cluster): Promise<string[]> {
  await redis.ping()
  const concerns = await Promise.all([
    versionConcern(redis),
    evictionConcern(redis),
    persistenceConcern(redis),
  ])
  return concerns.filter((concern) => concern !== undefined)
}

/** What this Redis is, in words for whoever runs it, as far as it tells. */
export async function redisFacts(redis: Redis | Cluster): Promise<string[]> {
  const [server, memory] = await Promise.all([info(redis, 'server'), info(redis, 'memory')])
  const version = server?.get('redis_version')
  const policy = memory?.get('maxmemory_policy')
  return [
    ...(version === undefined ? [] : [`It speaks the protocol of Redis ${version}.`]),
    ...(policy === 'noeviction' ? ['It never drops keys to save memory (noeviction).'] : []),
  ]
}

/** The first with all that the scripts need. */
const OLDEST_VERSION = 5

async function versionConcern(redis: Redis | Cluster): Promise<string | undefined> {
  const version = (await info(redis, 'server'))?.get('redis_version')
  if (version === undefined || Number.parseInt(version, 10) >= OLDEST_VERSION) return undefined
  return `Redis ${version} is too old: Redis ${OLDEST_VERSION} or newer is needed.`
}

async function evictionConcern(redis: Redis | Cluster): Promise<string | undefined> {
  const memory = await info(redis, 'memory')
  const policy = memory?.get('maxmemory_policy')
  if (policy === undefined) {
    return 'Could not check whether Redis may evict keys (INFO is not allowed). Its maxmemory-policy should be noeviction.'
  }
  const isLimited = memory?.get('maxmemory') !== '0'
  if (!isLimited || policy === 'noeviction') return undefined
  return `Redis may forget uploads that are under way: its maxmemory-policy is ${policy}, so it drops keys when its memory is full. Set it to noeviction.`
}

async function persistenceConcern(redis: Redis | Cluster): Promise<string | undefined> {
  const persistence = await info(redis, 'persistence')
  if (persistence?.get('aof_enabled') === '1') return undefined
  const schedule = await savingSchedule(redis)
  if (schedule === undefined) {
    return 'Could not check whether Redis keeps its data over a restart (CONFIG or INFO is not allowed). Append-only files (appendonly yes) are advised.'
  }
  if (schedule !== '') return undefined
  return 'Redis keeps nothing over a restart (neither append-only file nor snapshots). Uploads are then found again at the bucket, but without what was only recorded; appendonly yes is advised.'
}

/** `undefined` when Redis does not tell; INFO has no field for it. */
async function savingSchedule(redis: Redis | Cluster): Promise<string | undefined> {
  try {
    const reply: unknown = await redis.config('GET', 'save')
    const schedule: unknown = Array.isArray(reply) ? reply[1] : undefined
    return typeof schedule === 'string' ? schedule : undefined
  } catch {
    return undefined
  }
}

async function info(
  redis: Redis | Cluster,
  section: 'server' | 'memory' | 'persistence',
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
