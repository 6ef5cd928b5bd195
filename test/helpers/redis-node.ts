import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './programs.js'
import { redisProgram } from './services.js'

/** The port of a Cluster's nodes among themselves is this much higher. */
const BUS_OFFSET = 10_000
const LAST_PORT = 65_535

// Whoever ends this process without the tear-down must not leave servers behind.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

interface Place {
  readonly port: number
  readonly folder: string
  readonly password: string | undefined
}

/** A `redis-server` of one's own, as a process, with nothing on disk but what it must have there. */
export class RedisNode {
  readonly port: number
  readonly #child: ChildProcess
  readonly #over: Promise<unknown>
  readonly #folder: string
  readonly #client: Redis

  private constructor(child: ChildProcess, { port, folder, password }: Place) {
    this.#child = child
    this.port = port
    this.#folder = folder
    this.#over = once(child, 'exit')
    running.add(child)
    child.once('exit', () => running.delete(child))
    this.#client = new Redis(port, '127.0.0.1', {
      ...(password !== undefined && { password }),
      retryStrategy: () => 50,
      maxRetriesPerRequest: 100,
      enableReadyCheck: false,
    })
    this.#client.on('error', () => {})
  }

  /** `options` are those of the command line, without the dashes; resolves when it answers. */
  static async start(options: Readonly<Record<string, string>>): Promise<RedisNode> {
    return await RedisNode.#start({ save: '', appendonly: 'no', ...options }, [])
  }

  /** A Sentinel, which is configured by `lines`. */
  static async startSentinel(lines: readonly string[], password: string): Promise<RedisNode> {
    return await RedisNode.#start({ requirepass: password, sentinel: 'yes' }, lines)
  }

  static async #start(
    { sentinel, ...options }: Readonly<Record<string, string>>,
    lines: readonly string[],
  ): Promise<RedisNode> {
    const program = redisProgram()
    if (program === null) throw new Error('there is no redis-server')
    const [port, folder] = [await lowPort(), await mkdtemp(join(tmpdir(), 'partway-redis-'))]
    const settings = Object.entries({
      port: String(port),
      bind: '127.0.0.1',
      dir: folder,
      ...options,
    })
    const file = join(folder, 'redis.conf')
    const text = settings.map(([name, value]) => `${name} ${value === '' ? '""' : value}`)
    await writeFile(file, `${[...text, ...lines].join('\n')}\n`)
    const child = spawn(program.path, sentinel === undefined ? [file] : [file, '--sentinel'], {
      env: { ...process.env, ...program.env },
      stdio: 'ignore',
    })
    const node = new RedisNode(child, { port, folder, password: options.requirepass })
    await node.call('PING')
    return node
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Sends one command, as it is. */
  async call(command: string, ...args: (string | number)[]): Promise<unknown> {
    return await this.#client.call(command, ...args)
  }

  /** What `INFO` says of this. */
  async info(field: string): Promise<string | undefined> {
    const text = String(await this.call('INFO'))
    return new RegExp(`^${field}:(.*)\r$`, 'm').exec(text)?.[1]
  }

  /** Resolves when so many replicas have all that was written so far. */
  async isFollowed(replicas: number): Promise<void> {
    const target = Number(await this.info('master_repl_offset'))
    const follows = async (replica: number): Promise<boolean> => {
      const line = (await this.info(`slave${replica}`)) ?? ''
      const [, state, offset] = /state=(\w+),offset=(\d+)/.exec(line) ?? []
      return state === 'online' && Number(offset) >= target
    }
    for (let replica = 0; replica < replicas; replica++) {
      await untilSo(() => follows(replica), 'a replica to follow')
    }
  }

  /** It says nothing any more, and its connections stand. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  /** Ends it as `kill -9` does. */
  async kill(): Promise<void> {
    this.#client.disconnect()
    this.#child.kill('SIGKILL')
    await this.#over
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

const PATIENCE_MS = 30_000

/** Waits until `condition` holds; fails with `what` after half a minute. */
export async function untilSo(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += 50) {
    if (await condition()) return
    await sleep(50)
  }
  throw new Error(`waited in vain for ${what}`)
}

async function lowPort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = await freePort()
    if (port + BUS_OFFSET <= LAST_PORT) return port
  }
  throw new Error('there is no free port that is low enough for a node of a Cluster')
}
