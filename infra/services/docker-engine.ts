import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attempt } from './discover.js'
import { OutputRing } from './output-ring.js'
import { findProgram } from './path.js'
import { run } from './run.js'
import type { Log } from './service.js'

export interface DockerEngine {
  /** For `docker` and `docker-compose`: where the engine is. */
  readonly env: Readonly<Record<string, string>>
  /** Compose as a program and its first arguments; none where there is no compose. */
  readonly compose: readonly string[] | undefined
  stop(): Promise<void>
}

export interface FindEngineOptions {
  readonly path: string
  /** Whether one may be started where none answers: that changes the packet filter of the machine. */
  readonly mayStart: boolean
  readonly log: Log
}

export type EngineDiscovery =
  | { readonly kind: 'found'; readonly engine: DockerEngine }
  | { readonly kind: 'missing'; readonly attempts: readonly Attempt[] }

// Fails where no engine answers.
const SERVER_VERSION = ['version', '--format', '{{.Server.Version}}']
const START_MS = 30_000
const STOP_MS = 15_000

/** The Docker engine that answers `docker`, or one that is started here with folders of its own. */
export async function findDockerEngine(options: FindEngineOptions): Promise<EngineDiscovery> {
  const attempts: Attempt[] = []
  const ways = { 'an engine that runs': runningEngine, 'an engine of its own': ownEngine }
  for (const [way, find] of Object.entries(ways)) {
    try {
      const engine = await find(options)
      options.log(`Docker: ${way}`)
      return { kind: 'found', engine }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      attempts.push({ way, reason })
    }
  }
  return { kind: 'missing', attempts }
}

async function runningEngine({ path }: FindEngineOptions): Promise<DockerEngine> {
  const docker = await dockerOn(path)
  await run(docker, SERVER_VERSION)
  return { env: {}, compose: await findCompose(docker, path), stop: async () => {} }
}

async function dockerOn(path: string): Promise<string> {
  const docker = await findProgram('docker', path)
  if (docker === undefined) throw new Error('no docker on PATH')
  return docker
}

async function findCompose(docker: string, path: string): Promise<readonly string[] | undefined> {
  const plugin = await run(docker, ['compose', 'version']).catch(() => '')
  if (/version/i.test(plugin)) return [docker, 'compose']
  const standalone = await findProgram('docker-compose', path)
  return standalone === undefined ? undefined : [standalone]
}

async function ownEngine({ path, mayStart }: FindEngineOptions): Promise<DockerEngine> {
  if (!mayStart) throw new Error('one is started only for root, with CI set')
  const docker = await dockerOn(path)
  const dockerd = await findProgram('dockerd', path)
  if (dockerd === undefined) throw new Error('no dockerd on PATH')
  const folder = await mkdtemp(join(tmpdir(), 'partway-docker-'))
  const host = `unix://${join(folder, 'docker.sock')}`
  const child = spawn(dockerd, ownArguments(folder, host), { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = new OutputRing()
  output.listenTo(child.stdout)
  output.listenTo(child.stderr)
  const env = { DOCKER_HOST: host }
  const stop = stopper(child, folder)
  try {
    const answers = () => run(docker, SERVER_VERSION, { env })
    await untilItAnswers(answers, () => child.exitCode === null && child.signalCode === null)
    return { env, compose: await findCompose(docker, path), stop }
  } catch (error) {
    await stop()
    throw new Error(`${error instanceof Error ? error.message : error}\n${output.text.slice(-600)}`)
  }
}

// Whoever ends this process without the tear-down must not leave an engine behind.
function stopper(child: ChildProcess, folder: string): () => Promise<void> {
  const atExit = () => child.kill('SIGTERM')
  process.once('exit', atExit)
  const exit = once(child, 'exit')
  return async () => {
    process.off('exit', atExit)
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await exit
    clearTimeout(timer)
    await unmountAllIn(folder)
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** dockerd leaves the network namespace mounted that containers with `--network host` had. */
async function unmountAllIn(folder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const points = mounts.split('\n').map((line) => line.split(' ')[1] ?? '')
  for (const point of points.filter((point) => point.startsWith(`${folder}/`))) {
    await run('umount', ['--lazy', point])
  }
}

// Of the system's own engine, should one be started later, nothing is touched.
function ownArguments(folder: string, host: string): string[] {
  return [
    ...['--host', host, '--bridge', 'none'],
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'dockerd.pid')],
  ]
}

async function untilItAnswers(
  answers: () => Promise<unknown>,
  alive: () => boolean,
): Promise<void> {
  const deadline = Date.now() + START_MS
  while (alive()) {
    const answered = await answers().then(
      () => true,
      () => false,
    )
    if (answered) return
    if (Date.now() > deadline) throw new Error(`no answer within ${START_MS / 1_000} s`)
    await sleep(250)
  }
  throw new Error('dockerd has ended')
}
