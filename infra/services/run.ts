import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { OutputRing } from './output-ring.js'

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a program to its end and gives its output. Rejects, with the output, unless it exits with 0. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = new OutputRing(64_000)
  output.listenTo(child.stdout)
  output.listenTo(child.stderr)
  const [code]: unknown[] = await once(child, 'close')
  if (code === 0) return output.text
  throw new Error(`${command} ${args[0] ?? ''} failed (${code}):\n${output.text.slice(-2_000)}`)
}
