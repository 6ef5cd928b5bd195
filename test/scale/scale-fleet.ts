import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newToken } from '../../src/server/auth/token-lines.js'
import { redisKeyPrefix } from '../../src/server/store.js'
import { connectRedisSessionStore, type RedisSessionStore } from '../../src/sessions/redis/index.js'
import { type Nginx, startNginx } from '../helpers/nginx.js'
import { ServerProcess, type ServerSettings } from '../helpers/programs.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { minioUrl } from '../helpers/services.js'
import { EventAudience } from './event-audience.js'

/** An owner, and what it calls with. */
export interface Account {
  readonly owner: string
  readonly token: string
}

const ACCOUNTS = 12

interface FleetParts {
  readonly bucket: TestBucket
  readonly settings: ServerSettings
  readonly servers: ServerProcess[]
  readonly nginx: Nginx
  readonly store: RedisSessionStore
  readonly accounts: readonly Account[]
  readonly audience: EventAudience
  readonly folder: string
}

/** Three `partway serve` on one store, behind nginx without stickiness. */
export class ScaleFleet {
  readonly #parts: FleetParts

  private constructor(parts: FleetParts) {
    this.#parts = parts
  }

  /** `store` is for `PARTWAY_STORE`. */
  static async open(store: string): Promise<ScaleFleet> {
    const bucket = await createTestBucket(minioUrl())
    const folder = await mkdtemp(join(tmpdir(), 'partway-scale-'))
    const names = Array.from({ length: ACCOUNTS }, (_, position) => `owner-${position}`)
    const made = names.map((owner) => ({ owner, ...newToken(owner) }))
    const tokens = join(folder, 'tokens')
    await writeFile(tokens, made.map(({ line }) => `${line}\n`).join(''))
    const audience = await EventAudience.open()
    const settings: ServerSettings = {
      bucket: bucket.bucket,
      bucketUrl: minioUrl(),
      store,
      env: {
        PARTWAY_AUTH: 'token',
        PARTWAY_TOKENS_FILE: tokens,
        PARTWAY_TRUST_PROXY: '1',
        PARTWAY_DRAIN_DELAY: '500ms',
        PARTWAY_LEASE: '5s',
        PARTWAY_RELAY: 'true',
        ...audience.settings,
        PARTWAY_LOG_LEVEL: 'warn',
      },
    }
    const start = () => ServerProcess.start(settings)
    const servers = await Promise.all([start(), start(), start()])
    try {
      const [one, two, three] = servers.map(({ url }) => new URL(url).host)
      const nginx = await startNginx([one ?? '', two ?? '', three ?? ''])
      const keyPrefix = redisKeyPrefix(bucket.bucket)
      const sessions = await connectRedisSessionStore(store, { keyPrefix })
      const parts = { bucket, settings, servers, nginx, store: sessions.store, audience, folder }
      return new ScaleFleet({ ...parts, accounts: made })
    } catch (error) {
      await Promise.all(servers.map((server) => server.kill('SIGKILL')))
      audience.close()
      throw error
    }
  }

  /** Of nginx. */
  get url(): string {
    return this.#parts.nginx.url
  }

  get accounts(): readonly Account[] {
    return this.#parts.accounts
  }

  /** For looking at the store past the servers. */
  get store(): RedisSessionStore {
    return this.#parts.store
  }

  /** For looking at the bucket past the servers. */
  get bucket(): TestBucket {
    return this.#parts.bucket
  }

  /** Who is told by webhook. */
  get audience(): EventAudience {
    return this.#parts.audience
  }

  /** For files of the test. */
  get folder(): string {
    return this.#parts.folder
  }

  async kill(position: number): Promise<void> {
    await this.#server(position).kill('SIGKILL')
  }

  /** As a rolling update does it: SIGTERM, and when that one has ended another in its place. */
  async restart(position: number): Promise<void> {
    const { port, child } = this.#server(position)
    if (child.exitCode === null && child.signalCode === null) {
      const { code } = await this.#server(position).kill('SIGTERM')
      if (code !== 0) throw new Error(`the server ended with ${code}`)
    }
    this.#parts.servers[position] = await ServerProcess.start(this.#parts.settings, port)
  }

  async close(): Promise<void> {
    const { servers, nginx, store, bucket, audience, folder } = this.#parts
    await nginx.stop()
    await Promise.all(servers.map((server) => server.kill('SIGTERM')))
    audience.close()
    await store.close()
    await bucket.remove()
    await rm(folder, { recursive: true })
  }

  #server(position: number): ServerProcess {
    const server = this.#parts.servers[position]
    if (server === undefined) throw new Error(`there is no server ${position}`)
    return server
  }
}
