import { PartwayError } from '../client/partway-error.js'
import type { CliIo } from './cli-io.js'
import { OK, USAGE } from './exit-codes.js'
import { printable } from './printable.js'

export interface AuditVerifyFlags {
  readonly mixed?: boolean
  readonly contains?: string
}

/** `partway audit verify`. Throws `CHECKSUM_MISMATCH` when the log is not as it was written. */
export async function auditVerifyCommand(
  files: readonly string[],
  { mixed = false, contains }: AuditVerifyFlags,
  io: CliIo,
): Promise<number> {
  if (contains !== undefined && !/^[0-9a-f]{64}$/.test(contains)) {
    throw new PartwayError('INVALID_OPTION', '--contains needs the 64 digits of a hash')
  }
  // Loaded here only, as all of the server is.
  const { verifyFiles } = await import('../server/audit/verify-files.js')
  const report = await verifyFiles(files, {
    isMixed: mixed,
    ...(contains !== undefined && { contains }),
  }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw new PartwayError('FILE_UNREADABLE', `A file cannot be read: ${reason}`, { cause })
  })
  for (const problem of report.problems) io.stderr.write(`${printable(problem)}\n`)
  if (report.problems.length > 0) {
    throw new PartwayError('CHECKSUM_MISMATCH', 'The audit log is not as it was written.')
  }
  for (const { first, last, isFromStart } of report.chains) {
    const since = isFromStart ? 'from its beginning' : 'whose beginning is in an earlier file'
    io.stdout.write(`chain ${last.chain}, ${since}: records ${first.seq} to ${last.seq}\n`)
    io.stdout.write(`last hash ${last.hash}\n`)
  }
  if (report.isUnfinished) {
    io.stdout.write('The last line is not whole: a server is writing it, or died while it did.\n')
  }
  return OK
}

/** `partway audit owner`: what to look for in the log. */
export async function auditOwnerCommand(owner: string, io: CliIo): Promise<number> {
  const { ownerNames } = await import('../server/audit/owner-names.js')
  const outcome = ownerNames(owner, io.env)
  if ('problems' in outcome) {
    for (const problem of outcome.problems) io.stderr.write(`${printable(problem)}\n`)
    return USAGE
  }
  for (const name of outcome.names) io.stdout.write(`${name}\n`)
  return OK
}
