/** What runs beside the requests. */

export { type AuditEntry, AuditLog, type AuditLogOptions } from './audit/audit-log.js'
export type { AuditSink, AuditTail } from './audit/audit-sink.js'
export { auditedStore } from './audit/audited-store.js'
export { ownerPseudonym } from './audit/owner-pseudonym.js'
export {
  BackgroundWork,
  type BackgroundWorkOptions,
  type WebhookWork,
} from './background/background-work.js'
export { type BullQueueOptions, openBullQueue } from './background/bull-queue.js'
export { InProcessQueue, type InProcessQueueOptions } from './background/in-process-queue.js'
export type { Job, JobKind, JobOf, RepeatedKind } from './background/job.js'
export type { Handler, Handlers, QueueEvents, WorkQueue } from './background/work-queue.js'
export { checkContent } from './content-check.js'
export { type HttpInitHookOptions, httpInitHook } from './hooks/http-init-hook.js'
export { createMetrics, type Metrics, type MetricsOptions } from './metrics/create-metrics.js'
export type { MeteredRequests, RequestEnd } from './metrics/metered-requests.js'
export { findOrphans, type Orphan, type OrphanSearch } from './orphans.js'
export {
  createOutbound,
  type Outbound,
  type OutboundAnswer,
  type OutboundMessage,
  type OutboundOptions,
  type OutboundOutcome,
  type ReachOutcome,
} from './outbound/create-outbound.js'
export type { Lookup } from './outbound/guarded-lookup.js'
export { type SignedMessage, signingSecretProblem, signMessage } from './outbound/sign-message.js'
export { type AllowedPrivate, type OutboundRefusal, outboundRefusal } from './outbound/target.js'
export {
  createTracing,
  type TracedRequest,
  type Tracing,
  type TracingOptions,
} from './tracing/create-tracing.js'
export { WebhookDeliverer, type WebhookDelivererOptions } from './webhooks/webhook-deliverer.js'
export {
  type Attempt,
  WebhookDelivery,
  type WebhookDeliveryOptions,
  type WebhookEndpoint,
} from './webhooks/webhook-delivery.js'
