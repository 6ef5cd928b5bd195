import { EventEmitter } from 'node:events'
import { Writable } from 'node:stream'
import type { CliIo } from '../../../../src/cli/cli-io.js'

/** A stream that keeps what is written to it. */
export class Output extends Writable {
  readonly isTTY: boolean
  readonly columns = 100
  text = ''

  constructor(isTTY = false) {
    super()
    this.isTTY = isTTY
  }

  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '')
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** A process for `runCli` to run in: `emit('SIGINT')` is Ctrl-C. */
export class FakeIo extends EventEmitter implements CliIo {
  readonly env: NodeJS.ProcessEnv
  readonly stdout = new Output()
  readonly stderr: Output
  /** The codes that were exited with at once. */
  readonly exits: number[] = []

  constructor(env: NodeJS.ProcessEnv = {}, { isTTY = false }: { isTTY?: boolean } = {}) {
    super()
    this.env = env
    this.stderr = new Output(isTTY)
  }

  exit(code: number): void {
    this.exits.push(code)
  }

  /** The lines of `--json`, parsed. */
  get messages(): Record<string, unknown>[] {
    return this.stdout.lines.map((line) => JSON.parse(line))
  }
}
