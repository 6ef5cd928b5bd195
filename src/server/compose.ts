import { type ConnectS3Options, connectS3, type S3Connection } from '../bucket/index.js'
import type { BucketCapabilities } from '../coordinator/capabilities.js'
import { createPartway } from '../coordinator/create-partway.js'
import type { Partway } from '../coordinator/partway.js'
import type { Clock, UploadRef } from '../coordinator/ports.js'
import { checkContent } from '../operations/index.js'
import type { Audit } from './audit/open-audit.js'
import type { ServerConfig } from './config.js'
import type { OpenedStore } from './store.js'

export interface Composed {
  readonly opened: OpenedStore
  readonly s3: S3Connection
  readonly clock: Clock
  /** @default everything */
  readonly capabilities?: () => BucketCapabilities
  readonly audit: Audit | undefined
  readonly onDue?: (ref: UploadRef) => void
}

/** The coordinator, as the settings say. */
export function compose(
  config: ServerConfig,
  { opened, s3, clock, capabilities, audit, onDue }: Composed,
): Partway {
  return createPartway({
    ...(onDue !== undefined && { onDue }),
    ...(config.checkContent && { contentCheck: checkContent }),
    store: audit === undefined ? opened.store : audit.store(opened.store),
    bucket: s3.bucket,
    signer: s3.signer,
    secret: config.secrets,
    clock,
    ...(capabilities !== undefined && { capabilities }),
    settings: {
      urlTtlSeconds: config.urlTtlSeconds,
      sessionTtlMs: config.sessionTtlMs,
      retentionMs: config.retentionMs,
      leaseMs: config.leaseMs,
      signBudget: config.signBudget,
      ...(config.checksum !== undefined && { defaultChecksum: config.checksum }),
      keyPrefix: config.keyPrefix,
    },
    limits: config.limits,
  })
}

export function connectBucket(
  { bucket }: ServerConfig,
  rest: Pick<ConnectS3Options, 'clock' | 'credentials'>,
): S3Connection {
  const { name, ...options } = bucket
  return connectS3({ bucket: name, ...options, ...rest })
}
