import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { answersHttp, untilAnswers } from '../services/answers.js'
import { OutputRing } from '../services/output-ring.js'

/** The built program, run as its users run it. */
const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const START_MS = 20_000

/** One line of `partway upload --json`. */
export interface UploadLine {
  readonly type: string
  readonly acknowledged_bytes?: number
  readonly skipped_bytes?: number
  readonly upload_id?: string
}

export interface DevPlace {
  readonly port: number
  readonly bucketPort: number
  readonly folder: string
  /** Settings besides those that it makes itself. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts `partway dev`; resolves once it answers at `url`. */
export async function startDev({ port, bucketPort, folder, env }: DevPlace): Promise<ChildProcess> {
  const ports = ['--port', String(port), '--bucket-port', String(bucketPort)]
  const server = start(['dev', '--dir', folder, ...ports], env)
  const output = new OutputRing()
  output.listenTo(server.stdout)
  output.listenTo(server.stderr)
  const alive = () => server.exitCode === null && server.signalCode === null
  try {
    const probe = () => answersHttp(`http://localhost:${port}`, '/readyz')
    await untilAnswers(probe, { timeoutMs: START_MS, alive })
    return server
  } catch (cause) {
    server.kill('SIGKILL')
    throw new Error(`partway dev does not start\n${output.text}`, { cause })
  }
}

export interface UploadRun {
  readonly url: string
  readonly concurrency: number
  /** The next line is told when what this returns has settled. */
  readonly onLine: (line: UploadLine, client: ChildProcess) => void | Promise<void>
}

/**
 * Runs `partway upload --json` to its end, telling each line to `onLine`, which may stop or kill it. Gives
 * the exit code; `null` when it was killed.
 */
export async function upload(
  file: string,
  { url, concurrency, onLine }: UploadRun,
): Promise<number | null> {
  const options = ['--server', url, '--concurrency', String(concurrency), '--json']
  const client = start(['upload', file, ...options])
  const output = new OutputRing()
  output.listenTo(client.stderr)
  const closed = once(client, 'close')
  for await (const text of createInterface({ input: client.stdout })) {
    const line: UploadLine = JSON.parse(text)
    await onLine(line, client)
  }
  const [code]: (number | null)[] = await closed
  if (code) throw new Error(`partway upload ends with ${code}\n${output.text}`)
  return code ?? null
}

/** Ends a program as a power cut would: it has no chance to save anything. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

// Whoever ends the demo half-way must not leave its programs behind.
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...foreignSettings(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  child.once('exit', () => process.off('exit', atExit))
  return child
}

/** The environment without settings of Partway and AWS that the demo knows nothing of. */
function foreignSettings(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env)
  return Object.fromEntries(entries.filter(([name]) => !/^(PARTWAY|AWS)_/.test(name)))
}
