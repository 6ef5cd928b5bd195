/** Which Redis a URL names. Knows nothing of `ioredis`, so that settings can be checked without it. */
export type RedisAddress =
  | { readonly kind: 'single'; readonly url: string }
  | {
      readonly kind: 'cluster'
      readonly nodes: readonly HostPort[]
      readonly login: Login
      readonly tls: boolean
    }
  | {
      readonly kind: 'sentinel'
      readonly sentinels: readonly HostPort[]
      /** What the Sentinels call the primary. */
      readonly name: string
      readonly db: number
      /** Of Redis. */
      readonly login: Login
      /** Of the Sentinels. */
      readonly sentinelLogin: Login
      readonly tls: boolean
    }

export interface HostPort {
  readonly host: string
  readonly port: number
}

export interface Login {
  readonly username?: string
  readonly password?: string
}

export type AddressOutcome =
  | { readonly kind: 'ok'; readonly address: RedisAddress }
  /** What is wrong, to be read after the name of the setting. Repeats nothing of the URL, which may hold a password. */
  | { readonly kind: 'problem'; readonly problem: string }

const REDIS_PORT = 6379
const SENTINEL_PORT = 26379

const FORM =
  /^(rediss?)\+(cluster|sentinel):\/\/(?:([^/?#]*)@)?([^/?#@]*)(\/[^?#]*)?(?:\?([^#]*))?$/

/** What a URL of many hosts is made of, as text. */
interface Pieces {
  readonly tls: boolean
  readonly user: string
  readonly hosts: string
  readonly path: string
  readonly query: string
}

/** Raised and caught in this file. */
class Flaw extends Error {}

/**
 * - `redis://…` and `rediss://…` (by TLS): one Redis, with whatever `ioredis` takes in the query
 * - `redis+cluster://[user:password@]host[:port],…`: some nodes of a Cluster, which tells the others
 * - `redis+sentinel://[user:password@]host[:port],…/name[?db=&sentinelUsername=&sentinelPassword=]`: the Sentinels
 *   that know the primary of that name
 *
 * With `rediss+` all connections are by TLS. Names and passwords are percent-encoded.
 */
export function parseRedisAddress(url: string): AddressOutcome {
  if (/^rediss?:\/\//.test(url)) {
    if (URL.canParse(url)) return { kind: 'ok', address: { kind: 'single', url } }
    return { kind: 'problem', problem: 'must be redis://<host>:<port>, with a valid host and port' }
  }
  const [, scheme, kind, user = '', hosts = '', path = '', query = ''] = FORM.exec(url) ?? []
  if (kind === undefined) {
    const forms = 'redis://<host>, redis+cluster://<host>,<host> or redis+sentinel://<host>/<name>'
    return { kind: 'problem', problem: `must be ${forms}, or one of these with rediss` }
  }
  const pieces = { tls: scheme === 'rediss', user, hosts, path, query }
  try {
    return { kind: 'ok', address: kind === 'cluster' ? clusterOf(pieces) : sentinelOf(pieces) }
  } catch (error) {
    if (error instanceof Flaw) return { kind: 'problem', problem: error.message }
    throw error
  }
}

function clusterOf({ tls, user, hosts, path, query }: Pieces): RedisAddress {
  if (!['', '/', '/0'].includes(path)) throw new Flaw('must name no database: a Cluster has only 0')
  if (query !== '') throw new Flaw('must have no query with redis+cluster')
  return { kind: 'cluster', nodes: hostsOf(hosts, REDIS_PORT), login: loginOf(user), tls }
}

function sentinelOf({ tls, user, hosts, path, query }: Pieces): RedisAddress {
  const name = decoded(path.slice(1))
  if (name === '' || name.includes('/')) {
    const rule = 'must end with the name of the primary: redis+sentinel://<host>,<host>/<name>'
    throw new Flaw(rule)
  }
  const options = new URLSearchParams(query)
  const known = ['db', 'sentinelUsername', 'sentinelPassword']
  if ([...options.keys()].some((key) => !known.includes(key))) {
    throw new Flaw(`must have only ${known.join(', ')} in its query`)
  }
  const db = options.get('db') ?? '0'
  if (!/^\d{1,5}$/.test(db)) throw new Flaw('must have a whole number for db')
  const sentinelLogin = login(options.get('sentinelUsername'), options.get('sentinelPassword'))
  const sentinels = hostsOf(hosts, SENTINEL_PORT)
  return {
    kind: 'sentinel',
    sentinels,
    name,
    db: Number(db),
    login: loginOf(user),
    sentinelLogin,
    tls,
  }
}

function hostsOf(text: string, defaultPort: number): HostPort[] {
  return text.split(',').map((item) => {
    const [, host, port = String(defaultPort)] =
      /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?$/.exec(item) ?? []
    const isPort = Number(port) >= 1 && Number(port) <= 65_535
    if (host === undefined || !isPort) {
      throw new Flaw('must have hosts such as redis-1:6379,redis-2:6379, separated by commas')
    }
    return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
  })
}

function loginOf(user: string): Login {
  if (user === '') return {}
  const [, username = '', password] = /^([^:@]*)(?::([^@]*))?$/.exec(user) ?? [user]
  if (password === undefined) {
    throw new Flaw('must have user:password@, or :password@, with %40 for @ and %3A for :')
  }
  return login(decoded(username), decoded(password))
}

function login(username: string | null, password: string | null): Login {
  return { ...(username && { username }), ...(password && { password }) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Flaw('must be percent-encoded: a % is written %25')
  }
}
