/** What runs beside the requests. */

export { type AuditEntry, AuditLog, type AuditLogOptions } from './audit/audit-log.js'
export type { AuditSink, AuditTail } from './audit/audit-sink.js'
export { auditedStore } from './audit/audited-store.js'
export { ownerPseudonym } from './audit/owner-pseudonym.js'
export { BackgroundWorker, type BackgroundWorkerOptions } from './background-worker.js'
export { checkContent } from './content-check.js'
export { Janitor, type JanitorOptions } from './janitor.js'
export { findOrphans, type Orphan, type OrphanSearch } from './orphans.js'
