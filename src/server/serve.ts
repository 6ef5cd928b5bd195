import type { DestinationStream } from 'pino'
import type { LineStream } from './audit/audit-stream.js'
import { readConfig } from './config.js'
import { keepHeapSmall } from './heap.js'
import { createLog } from './logging.js'
import { startServer } from './main.js'
import type { Environment } from './settings-reader.js'
import { type ServerIo, untilStopped } from './until-stopped.js'

/** What `serve` needs of a process; `process` itself fits. */
export interface ServeIo extends ServerIo {
  /** Takes the log, and the audit log where the settings say so. */
  readonly stdout: DestinationStream & LineStream
}

const MISCONFIGURED = 2

/** Tells what is wrong with the settings; the exit code that says so. */
export function refuseSettings(problems: readonly string[], io: Pick<ServerIo, 'stderr'>): number {
  const lines = problems.map((problem) => `  ${problem}\n`)
  io.stderr.write(`The settings are not valid (see docs/configuration.md):\n${lines.join('')}`)
  return MISCONFIGURED
}

/** `partway serve`: runs until a signal stops it, and resolves to the exit code. */
export async function serve(env: Environment, io: ServeIo): Promise<number> {
  const outcome = readConfig(env)
  if (outcome.kind === 'invalid') return refuseSettings(outcome.problems, io)
  keepHeapSmall()
  const log = createLog(outcome.config.logLevel, io.stdout)
  for (const concern of outcome.warnings) log.warn({ event: 'config.concern', concern })
  return await untilStopped(() => startServer(outcome.config, { log, stdout: io.stdout }), log, io)
}
