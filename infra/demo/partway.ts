import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { answersHttp, untilAnswers } from '../services/answers.js'
import { OutputRing } from '../services/output-ring.js'

/** The built program, run as its users run it. */
const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const START_MS = 20_000

export type Settings = Readonly<Record<string, string>>

/** One line of `partway upload --json`. */
export interface UploadLine {
  readonly type: string
  readonly acknowledged_bytes?: number
  readonly skipped_bytes?: number
  readonly message?: string
}

/** Starts `partway serve`; resolves once it answers at `url`. */
export async function serve(url: string, settings: Settings): Promise<ChildProcess> {
  const server = start(['serve'], settings)
  const output = new OutputRing()
  output.listenTo(server.stdout)
  output.listenTo(server.stderr)
  const alive = () => server.exitCode === null && server.signalCode === null
  try {
    const probe = () => answersHttp(url, '/readyz')
    await untilAnswers(probe, { timeoutMs: START_MS, alive })
    return server
  } catch (cause) {
    server.kill('SIGKILL')
    throw new Error(`the server does not start\n${output.text}`, { cause })
  }
}

/**
 * Runs `partway upload --json` to its end, telling each line to `onLine`, which may kill it. Gives the
 * exit code; `null` when it was killed.
 */
export async function upload(
  file: string,
  { url, settings, onLine }: UploadRun,
): Promise<number | null> {
  const client = start(['upload', file, '--server', url, '--concurrency', '2', '--json'], settings)
  const output = new OutputRing()
  output.listenTo(client.stderr)
  const closed = once(client, 'close')
  for await (const text of createInterface({ input: client.stdout })) {
    const line: UploadLine = JSON.parse(text)
    onLine(line, client)
  }
  const [code]: (number | null)[] = await closed
  if (code) throw new Error(`partway upload ends with ${code}\n${output.text}`)
  return code ?? null
}

export interface UploadRun {
  readonly url: string
  readonly settings: Settings
  readonly onLine: (line: UploadLine, client: ChildProcess) => void
}

/** Ends a program as a power cut would: it has no chance to save anything. */
export async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

// Whoever ends the demo half-way must not leave its programs behind.
function start(args: readonly string[], settings: Settings) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...foreignSettings(), ...settings },
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
