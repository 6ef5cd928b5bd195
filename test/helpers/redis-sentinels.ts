import { randomUUID } from 'node:crypto'
import { RedisNode, untilSo } from './redis-node.js'

const NAME = 'sessions'
const USER = 'replica'

/** A primary with two replicas and three Sentinels of one's own, all with passwords, on loopback. */
export class RedisSentinels {
  /** For `PARTWAY_STORE`. */
  readonly url: string
  readonly sentinels: readonly RedisNode[]
  readonly #servers: readonly RedisNode[]

  private constructor(url: string, servers: readonly RedisNode[], sentinels: readonly RedisNode[]) {
    this.url = url
    this.#servers = servers
    this.sentinels = sentinels
  }

  static async start(): Promise<RedisSentinels> {
    const [password, sentinelPassword] = [randomUUID(), randomUUID()]
    const settings = {
      requirepass: password,
      // Replicas have a user of their own, so that they can be shut out by themselves.
      user: `${USER} on >${password} ~* &* +@all`,
      masteruser: USER,
      masterauth: password,
    }
    const first = await RedisNode.start(settings)
    const replicaof = `127.0.0.1 ${first.port}`
    const replicas = await Promise.all(
      [1, 2].map(() => RedisNode.start({ ...settings, replicaof })),
    )
    await first.isFollowed(2)
    const lines = [
      `sentinel monitor ${NAME} 127.0.0.1 ${first.port} 2`,
      `sentinel auth-pass ${NAME} ${password}`,
      `sentinel down-after-milliseconds ${NAME} 1000`,
      `sentinel failover-timeout ${NAME} 6000`,
      `sentinel sentinel-pass ${sentinelPassword}`,
    ]
    const sentinels = await Promise.all(
      [1, 2, 3].map(() => RedisNode.startSentinel(lines, sentinelPassword)),
    )
    for (const sentinel of sentinels) {
      const knows = async () => /slaves=2,sentinels=3/.test((await sentinel.info('master0')) ?? '')
      await untilSo(knows, 'a Sentinel to know the others')
    }
    const hosts = sentinels.map(({ address }) => address).join(',')
    const url = `redis+sentinel://:${password}@${hosts}/${NAME}?sentinelPassword=${sentinelPassword}`
    return new RedisSentinels(url, [first, ...replicas], sentinels)
  }

  /** As a Sentinel says. */
  async primary(): Promise<RedisNode> {
    const [sentinel] = this.sentinels
    const reply = await sentinel?.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
    const port = Array.isArray(reply) ? Number(reply[1]) : 0
    const found = this.#servers.find((server) => server.port === port)
    if (found === undefined) throw new Error('the Sentinels name no primary of ours')
    return found
  }

  /** From now on no replica learns of what the primary takes and acknowledges. */
  async cutReplication(): Promise<void> {
    const primary = await this.primary()
    await primary.call('ACL', 'SETUSER', USER, 'off')
    await primary.call('CLIENT', 'KILL', 'TYPE', 'replica')
  }

  /** Kills the primary; resolves when the Sentinels name another one. */
  async failOver(): Promise<void> {
    const old = await this.primary()
    await old.kill()
    await untilSo(async () => (await this.primary()) !== old, 'the Sentinels to name a new primary')
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.#servers].map((node) => node.stop()))
  }
}
