import { RedisNode, untilSo } from './redis-node.js'

const SLOTS = 16_384

interface Shard {
  readonly primary: RedisNode
  readonly id: string
}

/** A Redis Cluster of one's own: three primaries with a replica each, on loopback. */
export class RedisCluster {
  /** For `PARTWAY_STORE`. */
  readonly url: string
  readonly shards: readonly Shard[]
  readonly #nodes: readonly RedisNode[]

  private constructor(nodes: readonly RedisNode[], shards: readonly Shard[]) {
    this.#nodes = nodes
    this.shards = shards
    this.url = `redis+cluster://${nodes.map(({ address }) => address).join(',')}`
  }

  static async start(): Promise<RedisCluster> {
    const options = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000' }
    const starting = Array.from({ length: 6 }, () => RedisNode.start(options))
    const nodes = await Promise.all(starting)
    try {
      const shards = await join(nodes)
      return new RedisCluster(nodes, shards)
    } catch (error) {
      await Promise.all(nodes.map((node) => node.stop()))
      throw error
    }
  }

  /**
   * Gives every slot that has keys from its primary to the next one, key by key as `redis-cli --cluster reshard` does, while
   * the Cluster goes on serving. Gives how many slots.
   */
  async reshard(): Promise<number> {
    const moves: { slot: number; from: Shard; to: Shard }[] = []
    for (const [position, from] of this.shards.entries()) {
      const to = this.shards[(position + 1) % this.shards.length]
      if (to === undefined) continue
      for (const slot of await usedSlots(from.primary)) moves.push({ slot, from, to })
    }
    for (const move of moves) await this.#move(move)
    return moves.length
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()))
  }

  async #move({ slot, from, to }: { slot: number; from: Shard; to: Shard }): Promise<void> {
    await to.primary.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id)
    await from.primary.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id)
    for (;;) {
      const keys = await from.primary.call('CLUSTER', 'GETKEYSINSLOT', slot, 5)
      if (!Array.isArray(keys) || keys.length === 0) break
      const target = ['127.0.0.1', to.primary.port, '', 0, 5_000] as const
      await from.primary.call('MIGRATE', ...target, 'KEYS', ...keys.map(String))
    }
    // The new owner first, so that the slot is never nobody's.
    const others = this.shards.filter((shard) => shard !== to && shard !== from)
    for (const { primary } of [to, from, ...others]) {
      await primary.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
    }
  }
}

async function join(nodes: readonly RedisNode[]): Promise<Shard[]> {
  const [first] = nodes
  if (first === undefined) throw new Error('a Cluster has nodes')
  for (const [position, node] of nodes.entries()) {
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', position + 1)
    if (node !== first) await first.call('CLUSTER', 'MEET', '127.0.0.1', node.port)
  }
  const primaries = nodes.slice(0, 3)
  for (const [position, node] of primaries.entries()) {
    const slots = Array.from({ length: SLOTS }, (_, slot) => slot)
    await node.call(
      'CLUSTER',
      'ADDSLOTS',
      ...slots.filter((slot) => Math.floor(slot / 5_462) === position),
    )
  }
  await untilAll(nodes, 'cluster_known_nodes:6')
  const shards: Shard[] = []
  for (const [position, primary] of primaries.entries()) {
    const id = String(await primary.call('CLUSTER', 'MYID'))
    shards.push({ primary, id })
    await untilSo(async () => {
      const reply = nodes[position + 3]?.call('CLUSTER', 'REPLICATE', id)
      return (await reply?.catch(() => undefined)) !== undefined
    }, 'a node to become a replica')
  }
  await untilAll(nodes, 'cluster_state:ok')
  for (const { primary } of shards) await primary.isFollowed(1)
  return shards
}

async function usedSlots(node: RedisNode): Promise<Set<number>> {
  const keys = await node.call('KEYS', '*')
  const slots = new Set<number>()
  for (const key of Array.isArray(keys) ? keys : []) {
    slots.add(Number(await node.call('CLUSTER', 'KEYSLOT', String(key))))
  }
  return slots
}

async function untilAll(nodes: readonly RedisNode[], line: string): Promise<void> {
  for (const node of nodes) {
    await untilSo(async () => String(await node.call('CLUSTER', 'INFO')).includes(line), line)
  }
}
