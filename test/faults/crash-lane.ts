import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProxy } from '../helpers/fault-proxy.js'
import { ServerProcess, type ServerSettings } from '../helpers/programs.js'
import { s3CallOf } from '../helpers/s3-call.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { httpCalls, routeOf } from './http-calls.js'
import type { Ground } from './invariants.js'
import { openShared, type SharedStore, type StoreKind } from './stores.js'

export interface LaneOptions {
  readonly bucketUrl: string
  readonly store: StoreKind
}

/**
 * A server process with a proxy on either side: client → proxy → server → proxy → bucket. When it is
 * killed it is started again on the same port and store, as a supervisor would. One case at a time.
 */
export class CrashLane {
  readonly toBucket: ReturnType<typeof bucketProxy>
  readonly toServer: ReturnType<typeof serverProxy>
  readonly ground: Ground
  kills = 0
  readonly #settings: ServerSettings
  readonly #fixture: TestBucket
  readonly #shared: SharedStore
  readonly #clientUrl: string
  #server: ServerProcess
  #restarted: Promise<void> = Promise.resolve()
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(parts: LaneParts) {
    this.toBucket = parts.toBucket
    this.toServer = parts.toServer
    this.#settings = parts.settings
    this.#fixture = parts.fixture
    this.#shared = parts.shared
    this.#server = parts.server
    this.#clientUrl = parts.clientUrl
    const { client, bucket } = parts.fixture
    this.ground = { client, bucket, store: parts.shared.store, owner: 'anonymous' }
  }

  static async open({ bucketUrl, store }: LaneOptions): Promise<CrashLane> {
    const fixture = await createTestBucket(bucketUrl)
    const shared = await openShared(store, fixture.bucket)
    const toBucket = bucketProxy(fixture.endpoint)
    const endpoint = new URL(bucketUrl)
    endpoint.port = new URL(await toBucket.start()).port
    const settings: ServerSettings = {
      bucket: fixture.bucket,
      bucketUrl: endpoint.href,
      publicEndpoint: fixture.endpoint,
      store: shared.url,
      env: { PARTWAY_LEASE: '1s', PARTWAY_LOG_LEVEL: 'warn', PARTWAY_PROBE: 'false' },
    }
    const server = await ServerProcess.start(settings)
    const toServer = serverProxy(server.url)
    const clientUrl = await toServer.start()
    return new CrashLane({ toBucket, toServer, settings, fixture, shared, server, clientUrl })
  }

  /** Runs `work` when the cases before it are done and the server is up. */
  async inTurn<T>(work: (lane: CrashLane) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      await this.#restarted
      this.kills = 0
      return work(this)
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  calls() {
    return httpCalls(this.#clientUrl)
  }

  /** SIGKILL. Resolves when the process is no more; another one is being started then. */
  async kill(): Promise<void> {
    this.kills += 1
    const { port } = this.#server
    await this.#server.kill('SIGKILL')
    this.#restarted = ServerProcess.start(this.#settings, port).then((server) => {
      this.#server = server
    })
    this.#restarted.catch(() => {})
  }

  /** Resolves when nothing of a case is on its way any more. */
  async settled(): Promise<void> {
    await this.#restarted
    await Promise.all([this.toServer.settled(), this.toBucket.settled()])
  }

  async close(): Promise<void> {
    await this.settled()
    await this.#server.kill('SIGTERM')
    await Promise.all([this.toServer.stop(), this.toBucket.stop(), this.#shared.close()])
    await this.#fixture.remove()
  }
}

interface LaneParts {
  readonly toBucket: ReturnType<typeof bucketProxy>
  readonly toServer: ReturnType<typeof serverProxy>
  readonly settings: ServerSettings
  readonly fixture: TestBucket
  readonly shared: SharedStore
  readonly server: ServerProcess
  readonly clientUrl: string
}

function bucketProxy(target: string) {
  return new FaultProxy({ target, nameOf: s3CallOf })
}

function serverProxy(target: string) {
  return new FaultProxy({ target, nameOf: routeOf })
}

/** Real time, in steps that leave a starting server some of the machine. */
export function waitABit(ms: number): Promise<void> {
  return sleep(Math.min(Math.max(ms, 100), 300))
}
