/** The coordinator for embedding. Its adapters are separate imports, so that none is loaded unasked. */
export type { BucketCapabilities } from './coordinator/capabilities.js'
export type { CleanUpOptions, CleanUpReport } from './coordinator/clean-up.js'
export { createPartway, type PartwayOptions } from './coordinator/create-partway.js'
export type { ContentCheck } from './coordinator/first-bytes.js'
export type { Limits } from './coordinator/limits.js'
export type {
  Caller,
  InitOutcome,
  PartsOutcome,
  Partway,
  Readiness,
  SignedBatches,
} from './coordinator/partway.js'
export type * from './coordinator/ports.js'
export type * from './coordinator/session.js'
export type { CoordinatorSettings } from './coordinator/settings.js'
export { UploadError } from './coordinator/upload-error.js'
