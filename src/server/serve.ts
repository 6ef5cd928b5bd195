import type { DestinationStream } from 'pino'
import { readConfig, type ServerConfig } from './config.js'
import { describeError } from './describe-error.js'
import { keepHeapSmall } from './heap.js'
import { createLog, type Log } from './logging.js'
import { startServer } from './main.js'
import type { Environment } from './settings-reader.js'

/** What `serve` needs of a process; `process` itself fits. */
export interface ServeIo {
  /** Takes the log. */
  readonly stdout: DestinationStream
  /** Takes what the operator must mend before the server can start. */
  readonly stderr: { write(text: string): unknown }
  on(event: string, listener: (...args: unknown[]) => void): unknown
  off(event: string, listener: (...args: unknown[]) => void): unknown
  exit(code: number): unknown
}

const OK = 0
const FAILED = 1
const MISCONFIGURED = 2

const STOP_SIGNALS = ['SIGTERM', 'SIGINT']

/**
 * `partway serve`: runs until a signal stops it, and resolves to the exit code. The second signal ends
 * the process at once.
 */
export async function serve(env: Environment, io: ServeIo): Promise<number> {
  const outcome = readConfig(env)
  if (outcome.kind === 'invalid') {
    const lines = outcome.problems.map((problem) => `  ${problem}\n`)
    io.stderr.write(`The settings are not valid (see docs/configuration.md):\n${lines.join('')}`)
    return MISCONFIGURED
  }
  keepHeapSmall()
  const log = createLog(outcome.config.logLevel, io.stdout)
  for (const concern of outcome.warnings) log.warn({ event: 'config.concern', concern })
  return await run(outcome.config, log, io)
}

async function run(config: ServerConfig, log: Log, io: ServeIo): Promise<number> {
  const signal = stopSignal(io)
  // Otherwise Node prints the error with all its properties, and those of an SDK hold credentials.
  const onFault = (err: unknown): void => {
    log.fatal({ event: 'server.fault', err })
    io.exit(FAILED)
  }
  io.on('uncaughtException', onFault)
  try {
    const server = await startServer(config, { log })
    await signal.first
    await server.stop()
    return OK
  } catch (err) {
    log.fatal({ event: 'server.failed', err })
    io.stderr.write(
      `The server did not start or stop as it should: ${describeError(err).message}\n`,
    )
    return FAILED
  } finally {
    signal.ignore()
    io.off('uncaughtException', onFault)
  }
}

interface StopSignal {
  readonly first: Promise<void>
  ignore(): void
}

function stopSignal(io: ServeIo): StopSignal {
  let onFirst = (): void => {}
  let count = 0
  const first = new Promise<void>((resolve) => {
    onFirst = resolve
  })
  const onSignal = (): void => {
    count += 1
    if (count === 1) onFirst()
    else io.exit(FAILED)
  }
  for (const name of STOP_SIGNALS) io.on(name, onSignal)
  return {
    first,
    ignore: () => {
      for (const name of STOP_SIGNALS) io.off(name, onSignal)
    },
  }
}
