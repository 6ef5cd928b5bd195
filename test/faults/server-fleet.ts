import { FaultProxy } from '../helpers/fault-proxy.js'
import { ServerProcess } from '../helpers/programs.js'
import { type S3CallName, s3CallOf } from '../helpers/s3-call.js'
import { createTestBucket, type TestBucket } from '../helpers/s3-fixture.js'
import { type HttpCalls, httpCalls } from './http-calls.js'
import type { Ground } from './invariants.js'
import { openShared, type SharedStore, type StoreKind } from './stores.js'

export interface FleetOptions {
  readonly bucketUrl: string
  readonly store: StoreKind
  readonly servers: number
}

interface FleetParts {
  readonly fixture: TestBucket
  readonly shared: SharedStore
  readonly toBucket: FaultProxy<S3CallName>
  readonly servers: readonly ServerProcess[]
}

/** Several server processes on one store, all behind one proxy to one bucket. */
export class Fleet {
  readonly toBucket: FaultProxy<S3CallName>
  readonly ground: Ground
  readonly #parts: FleetParts
  readonly #calls: HttpCalls[] = []

  private constructor(parts: FleetParts) {
    this.#parts = parts
    this.toBucket = parts.toBucket
    const { client, bucket } = parts.fixture
    this.ground = { client, bucket, store: parts.shared.store, owner: 'anonymous' }
  }

  static async open({ bucketUrl, store, servers }: FleetOptions): Promise<Fleet> {
    const fixture = await createTestBucket(bucketUrl)
    const shared = await openShared(store, fixture.bucket)
    const toBucket = new FaultProxy({ target: fixture.endpoint, nameOf: s3CallOf })
    const endpoint = new URL(bucketUrl)
    endpoint.port = new URL(await toBucket.start()).port
    const settings = {
      bucket: fixture.bucket,
      bucketUrl: endpoint.href,
      publicEndpoint: fixture.endpoint,
      store: shared.url,
      env: { PARTWAY_LEASE: '4s', PARTWAY_LOG_LEVEL: 'warn', PARTWAY_PROBE: 'false' },
    }
    const started = Array.from({ length: servers }, () => ServerProcess.start(settings))
    return new Fleet({ fixture, shared, toBucket, servers: await Promise.all(started) })
  }

  calls(server: number): HttpCalls {
    const calls = httpCalls(this.#server(server).url)
    this.#calls.push(calls)
    return calls
  }

  async post(server: number, path: string, message: object) {
    const response = await fetch(this.#server(server).url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
    })
    return { status: response.status, text: await response.text() }
  }

  signal(server: number, name: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.#server(server).pid, name)
  }

  async close(): Promise<void> {
    for (const calls of this.#calls) calls.close()
    await Promise.all(this.#parts.servers.map((server) => server.kill('SIGTERM')))
    await this.toBucket.stop()
    await this.#parts.shared.close()
    await this.#parts.fixture.remove()
  }

  #server(index: number): ServerProcess {
    const server = this.#parts.servers[index]
    if (server === undefined) throw new Error(`there is no server ${index}`)
    return server
  }
}
