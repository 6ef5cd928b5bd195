import { uploadFile } from '../client/node.js'
import type { ChecksumMode } from '../protocol/index.js'
import type { CliIo } from './cli-io.js'
import { type Connection, type ConnectionFlags, connectionOf } from './connection.js'
import { exitCodeOf, worstOf } from './exit-codes.js'
import { Interrupts } from './interrupts.js'
import { JsonReporter } from './json-reporter.js'
import { barProgress } from './progress-bar.js'
import type { Reporter } from './reporter.js'
import { plainProgress, TextReporter } from './text-reporter.js'

export interface UploadFlags extends ConnectionFlags {
  readonly concurrency: number
  readonly chunkSize?: number
  readonly checksum?: ChecksumMode
  readonly verifyHash?: 'sha256' | 'md5'
  readonly contentType?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly json?: boolean
  readonly quiet?: boolean
}

/** `partway upload`: the files one after another, whatever becomes of those before. */
export async function uploadCommand(
  files: readonly string[],
  flags: UploadFlags,
  io: CliIo,
): Promise<number> {
  const connection = await connectionOf(flags, io)
  let reporter: Reporter | undefined
  const interrupts = new Interrupts(io, () => reporter?.stopping())
  const codes: number[] = []
  try {
    for (const file of files) {
      if (interrupts.exitCode !== undefined) break
      reporter = reporterFor(file, flags, io)
      codes.push(await uploadOne(file, { flags, connection, interrupts, reporter }))
    }
  } finally {
    interrupts.release()
  }
  return worstOf(codes)
}

interface Task {
  readonly flags: UploadFlags
  readonly connection: Connection
  readonly interrupts: Interrupts
  readonly reporter: Reporter
}

async function uploadOne(file: string, task: Task): Promise<number> {
  const { flags, connection, interrupts, reporter } = task
  const { concurrency, chunkSize, checksum, verifyHash, contentType, metadata } = flags
  try {
    const result = await uploadFile(file, {
      ...connection,
      concurrency,
      ...(chunkSize === undefined ? {} : { chunkSize }),
      ...(checksum === undefined ? {} : { checksum }),
      ...(verifyHash === undefined ? {} : { verifyHash }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(metadata === undefined ? {} : { metadata }),
      signal: interrupts.signal,
      onEvent: (event) => reporter.event(event),
    })
    reporter.completed(result)
    return 0
  } catch (error) {
    const exitCode = interrupts.exitCode ?? exitCodeOf(error)
    reporter.failed({ error, exitCode })
    return exitCode
  }
}

function reporterFor(file: string, flags: UploadFlags, { stdout, stderr }: CliIo): Reporter {
  const now = () => performance.now()
  if (flags.json === true) return new JsonReporter({ file, stdout, now })
  const progress =
    stderr.isTTY === true ? barProgress(file, stderr) : plainProgress({ file, stderr, now })
  return new TextReporter({ file, stdout, stderr, progress, isQuiet: flags.quiet === true })
}
