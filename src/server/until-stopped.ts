import { describeError } from './describe-error.js'
import type { Log } from './logging.js'
import { StartProblem } from './start-problem.js'

/** What a server needs of a process; `process` itself fits. */
export interface ServerIo {
  /** Takes what the operator must mend before the server can start. */
  readonly stderr: { write(text: string): unknown }
  on(event: string, listener: (...args: unknown[]) => void): unknown
  off(event: string, listener: (...args: unknown[]) => void): unknown
  exit(code: number): unknown
}

export interface Stoppable {
  stop(): Promise<void>
  /** Lets go of files that were moved away, at SIGHUP. */
  readonly reopen?: () => Promise<void>
}

const OK = 0
const FAILED = 1

const STOP_SIGNALS = ['SIGTERM', 'SIGINT']

/**
 * Starts a server, lets it run until a signal stops it, and resolves to the exit code. The second signal
 * ends the process at once.
 */
export async function untilStopped(
  start: () => Promise<Stoppable>,
  log: Log,
  io: ServerIo,
): Promise<number> {
  const signal = stopSignal(io)
  // Otherwise Node prints the error with all its properties, and those of an SDK hold credentials.
  const onFault = (err: unknown): void => {
    log.fatal({ event: 'server.fault', err })
    io.exit(FAILED)
  }
  io.on('uncaughtException', onFault)
  let onMoved = (): void => {}
  try {
    const server = await start()
    const { reopen } = server
    if (reopen !== undefined) {
      onMoved = () => void reopen().catch((err) => log.error({ event: 'audit.fault', err }))
      io.on('SIGHUP', onMoved)
    }
    await signal.first
    await server.stop()
    return OK
  } catch (err) {
    tellFailure(err, log, io)
    return FAILED
  } finally {
    signal.ignore()
    io.off('uncaughtException', onFault)
    io.off('SIGHUP', onMoved)
  }
}

function tellFailure(err: unknown, log: Log, io: ServerIo): void {
  if (err instanceof StartProblem) {
    io.stderr.write(`${err.message}\n`)
    return
  }
  log.fatal({ event: 'server.failed', err })
  const { message } = describeError(err)
  io.stderr.write(`The server did not start or stop as it should: ${message}\n`)
}

interface StopSignal {
  readonly first: Promise<void>
  ignore(): void
}

function stopSignal(io: ServerIo): StopSignal {
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
