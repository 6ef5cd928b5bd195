/** What runs beside the requests. */

export { type AuditEntry, AuditLog, type AuditLogOptions } from './audit/audit-log.js'
export type { AuditSink, AuditTail } from './audit/audit-sink.js'
export { auditedStore } from './audit/audited-store.js'
export { ownerPseudonym } from './audit/owner-pseudonym.js'
export { BackgroundWorker, type BackgroundWorkerOptions } from './background-worker.js'
export { checkContent } from './content-check.js'
export { Janitor, type JanitorOptions } from './janitor.js'
export { createMetrics, type Metrics, type MetricsOptions } from './metrics/create-metrics.js'
export type { MeteredRequests, RequestEnd } from './metrics/metered-requests.js'
export { findOrphans, type Orphan, type OrphanSearch } from './orphans.js'
export {
  createTracing,
  type TracedRequest,
  type Tracing,
  type TracingOptions,
} from './tracing/create-tracing.js'
