import { type Callback, Cluster, type ClusterOptions, type Redis } from 'ioredis'
import type { RedisAddress } from './address.js'
import { COMMAND_TIMEOUT_MS, NODE_OPTIONS, retryDelayMs } from './connection-options.js'

type ClusterAddress = Extract<RedisAddress, { kind: 'cluster' }>

/** Between two looks at which node has which slots; a node that no longer has one says so by itself. */
const SLOTS_REFRESH_MS = 10_000

/**
 * A Cluster that is not connected yet. What a node has refused (`MOVED`, `ASK`, `TRYAGAIN`, `CLUSTERDOWN`) is asked
 * again, at the right node or a little later. What became of a command whose connection broke is not known, and
 * it is not sent again.
 */
export function newCluster(address: ClusterAddress): Cluster {
  return new HeardCluster(address, {
    lazyConnect: true,
    enableOfflineQueue: false,
    // A Cluster that is down says so with each command. The look at the start would have to wait for connections.
    enableReadyCheck: false,
    retryDelayOnFailover: 0,
    redisOptions: NODE_OPTIONS,
  })
}

/** A Cluster, by whose nodes no rejection is left alone, and of which no connection is left when it ends. */
export class HeardCluster extends Cluster {
  readonly #address: ClusterAddress
  readonly #options: ClusterOptions
  readonly #nodes = new Set<Redis>()

  constructor(address: ClusterAddress, options: ClusterOptions) {
    const { nodes, login, tls } = address
    super([...nodes], {
      slotsRefreshTimeout: COMMAND_TIMEOUT_MS,
      slotsRefreshInterval: SLOTS_REFRESH_MS,
      clusterRetryStrategy: retryDelayMs,
      // Certificates are for names.
      ...(tls && { dnsLookup: (host, callback) => callback(null, host) }),
      ...options,
      redisOptions: { ...options.redisOptions, ...login, ...(tls && { tls: {} }) },
    })
    this.#address = address
    this.#options = options
    this.on('+node', (node: Redis) => {
      hearAsking(node)
      this.#nodes.add(node)
      node.once('end', () => this.#nodes.delete(node))
    })
  }

  override disconnect(reconnect = false): void {
    super.disconnect(reconnect)
    if (!reconnect) this.#leave()
  }

  override async quit(callback?: Callback<'OK'>): Promise<'OK'> {
    const reply = await super.quit(callback)
    this.#leave()
    return reply
  }

  /**
   * A node that was missing in one look at the Cluster, and was there again in the next, has a new connection, which `ioredis`
   * forgets when the old one has ended: it would keep a process that stops from ending.
   */
  #leave(): void {
    for (const node of this.#nodes) node.disconnect()
  }

  override duplicate(_: unknown[] = [], { redisOptions, ...more }: ClusterOptions = {}): Cluster {
    const node = { ...this.#options.redisOptions, ...redisOptions }
    return new HeardCluster(this.#address, { ...this.#options, ...more, redisOptions: node })
  }
}

/** Also waits for the nodes themselves, so that the first commands are not refused while those connect. */
export async function connectCluster(cluster: Cluster): Promise<void> {
  await cluster.connect()
  await Promise.allSettled(cluster.nodes('master').map((node) => node.ping()))
}

/**
 * `ioredis` sends ASKING before a command that a node was asked for, and leaves that promise alone: were the node to go
 * away just then, the rejection would be nobody's and end the process. The command itself is rejected as well.
 */
function hearAsking(node: Redis): void {
  const asking = node.asking.bind(node)
  node.asking = () => {
    const asked = asking()
    asked.catch(() => {})
    return asked
  }
}
