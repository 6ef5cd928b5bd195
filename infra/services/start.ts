import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { untilAnswers } from './answers.js'
import { OutputRing } from './output-ring.js'
import type { Credentials, FoundService, Place, Service } from './service.js'

/** A program on this machine that can be run as a service. */
export interface Program {
  readonly path: string
  readonly env?: Readonly<Record<string, string>>
}

const START_MS = 30_000
const STOP_MS = 5_000
const LOOPBACK = '127.0.0.1'
const ATTEMPTS = 3

/** Starts `program` as `service` on a free port of this machine, with an empty folder of its own. */
export async function startProgram(service: Service, program: Program): Promise<FoundService> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await startOnce(service, program)
    if (outcome.kind === 'started') return outcome.found
    // Between the choice of a free port and its use somebody else may take it.
    if (attempt < ATTEMPTS && /address already in use/i.test(outcome.output)) continue
    throw new Error(`${program.path}: ${outcome.reason}\n${outcome.output}`)
  }
}

type StartOutcome =
  | { readonly kind: 'started'; readonly found: FoundService }
  | { readonly kind: 'failed'; readonly reason: string; readonly output: string }

async function startOnce(service: Service, program: Program): Promise<StartOutcome> {
  const credentials = newCredentials()
  const place = await freePlace(service)
  const output = new OutputRing()
  const { args, env } = service.launch(place, credentials)
  const child = spawn(program.path, args, {
    env: { ...process.env, ...program.env, ...env },
    cwd: place.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  output.listenTo(child.stdout)
  output.listenTo(child.stderr)
  const url = service.url(place, credentials)
  const stop = stopper(child, place.folder)
  try {
    await once(child, 'spawn')
    const alive = () => child.exitCode === null && child.signalCode === null
    await untilAnswers(() => service.answers(url), { timeoutMs: START_MS, alive })
    return { kind: 'started', found: { url, stop } }
  } catch (error) {
    await stop()
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'failed', reason, output: output.text }
  }
}

/** Fresh for every start: a container's port may be open to the whole network. */
export function newCredentials(): Credentials {
  return { user: 'partway', password: randomBytes(16).toString('hex') }
}

// Whoever ends this process without the tear-down must not leave a server behind.
function stopper(child: ChildProcess, folder: string): () => Promise<void> {
  const atExit = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', atExit)
  return async () => {
    process.off('exit', atExit)
    await stopChild(child)
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  const ended = child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  if (ended) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await exit
  clearTimeout(timer)
}

async function freePlace(service: Service): Promise<Place> {
  const [port, consolePort] = await freePorts()
  const folder = await mkdtemp(join(tmpdir(), `partway-${service.name}-`))
  return { host: LOOPBACK, port, consolePort, folder }
}

/** Two ports that nobody listens on; held together, so that they differ. */
export async function freePorts(): Promise<[number, number]> {
  const [first, second] = await Promise.all([holdPort(), holdPort()])
  await Promise.all([first.release(), second.release()])
  return [first.port, second.port]
}

async function holdPort(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer()
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  const release = async () => {
    server.close()
    await once(server, 'close')
  }
  return { port: address.port, release }
}
