import type { CliIo } from './cli-io.js'

const EXIT_CODE_OF = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * The first Ctrl-C, or SIGTERM, asks to stop in an orderly way; the second ends the process at once.
 */
export class Interrupts {
  readonly #io: Pick<CliIo, 'on' | 'off' | 'exit'>
  readonly #controller = new AbortController()
  readonly #listeners: readonly (readonly [name: string, listener: () => void])[]
  #exitCode: number | undefined

  constructor(io: Pick<CliIo, 'on' | 'off' | 'exit'>, onFirst: () => void) {
    this.#io = io
    this.#listeners = Object.entries(EXIT_CODE_OF).map(([name, code]) => [
      name,
      () => this.#take(code, onFirst),
    ])
    for (const [name, listener] of this.#listeners) io.on(name, listener)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What to exit with, once interrupted. */
  get exitCode(): number | undefined {
    return this.#exitCode
  }

  release(): void {
    for (const [name, listener] of this.#listeners) this.#io.off(name, listener)
  }

  #take(code: number, onFirst: () => void): void {
    if (this.#exitCode !== undefined) {
      this.#io.exit(code)
      return
    }
    this.#exitCode = code
    onFirst()
    this.#controller.abort()
  }
}
