import { AuditLog } from '../../../../src/operations/index.js'
import { AuditFile } from '../../../../src/server/audit/audit-file.js'

/** Writes records until it is killed, and a dot for each that is written. */
const log = new AuditLog({ sink: new AuditFile(process.argv[2] ?? ''), clock: Date })
for (;;) {
  const records = Array.from({ length: 3 }, () => log.record({ event: 'request.init' }))
  await Promise.all(records)
  process.stdout.write('...')
}
