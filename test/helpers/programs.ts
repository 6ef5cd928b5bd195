import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { betrayed } from './betrayal.js'

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program for Node as a process of its own. If it prints a secret that it was given, the test run fails. */
export class NodeProcess {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly #lines: string[] = []
  #errors = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, args, {
      env: { ...bareEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { stdout, stderr } = this.child
    if (stdout === null || stderr === null) throw new Error('the process has no output')
    createInterface({ input: stdout }).on('line', (line) => this.#lines.push(line))
    stderr.on('data', (chunk) => {
      this.#errors += chunk
    })
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      const secret = betrayed(this.log, env)
      if (secret !== undefined) throw new Error(`it has printed a secret: ${secret}`)
      return { code, signal, stdout: this.#lines.join('\n'), stderr: this.#errors }
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** What it has printed so far. */
  get lines(): readonly string[] {
    return this.#lines
  }

  get log(): string {
    return `${this.#lines.join('\n')}\n${this.#errors}`
  }

  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }
}

/** The built command line. */
export class PartwayProcess extends NodeProcess {
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    super([CLI, ...args], env)
  }

  /** What a command with `--json` has printed so far. */
  get events(): { readonly type: string; readonly [name: string]: unknown }[] {
    return this.lines.map((line) => JSON.parse(line))
  }
}

/** Ours, without what would change what a program does. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS_|PARTWAY_)/.test(name))
  return Object.fromEntries(kept)
}

export interface ServerSettings {
  readonly bucket: string
  readonly bucketUrl: string
  readonly store: string
  readonly publicEndpoint?: string
  /** Any further variables. */
  readonly env?: Readonly<Record<string, string>>
}

export class ServerProcess extends PartwayProcess {
  readonly url: string

  private constructor(port: number, env: NodeJS.ProcessEnv) {
    super(['serve'], env)
    this.url = `http://127.0.0.1:${port}`
  }

  /** Starts the server and waits until it is ready. */
  static async start(settings: ServerSettings, port?: number): Promise<ServerProcess> {
    const chosen = port ?? (await freePort())
    const url = new URL(settings.bucketUrl)
    const server = new ServerProcess(chosen, {
      PARTWAY_PORT: String(chosen),
      PARTWAY_BUCKET: settings.bucket,
      PARTWAY_S3_ENDPOINT: url.origin,
      PARTWAY_STORE: settings.store,
      // No balancer is to be waited for, unless the test has one.
      PARTWAY_DRAIN_DELAY: '0s',
      PARTWAY_SECRET: 'the secret of an end-to-end test that is long enough',
      AWS_ACCESS_KEY_ID: decodeURIComponent(url.username),
      AWS_SECRET_ACCESS_KEY: decodeURIComponent(url.password),
      ...(settings.publicEndpoint && { PARTWAY_S3_PUBLIC_ENDPOINT: settings.publicEndpoint }),
      ...settings.env,
    })
    await server.#ready()
    return server
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  async #ready(): Promise<void> {
    for (let attempt = 0; attempt < 150; attempt++) {
      if (this.child.exitCode !== null) break
      const isReady = await fetch(`${this.url}/readyz`).then(
        (reply) => reply.ok,
        () => false,
      )
      if (isReady) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    this.child.kill('SIGKILL')
    throw new Error(`the server did not become ready:\n${this.log}`)
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until `condition` holds; fails with `what` after `seconds`. */
export async function until(condition: () => boolean, what: string, seconds = 60): Promise<void> {
  for (let waited = 0; waited < seconds * 1000; waited += 20) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`waited ${seconds} s in vain: ${what}`)
}
