import { type ConnectS3Options, connectS3, type S3Connection } from '../bucket/index.js'
import type { BucketCapabilities } from '../coordinator/capabilities.js'
import { createPartway } from '../coordinator/create-partway.js'
import type { Partway } from '../coordinator/partway.js'
import type { Bucket, Clock, PartSigner, SessionStore, UploadRef } from '../coordinator/ports.js'
import { checkContent } from '../operations/index.js'
import type { Audit } from './audit/open-audit.js'
import type { ServerConfig } from './config.js'

export interface Composed {
  readonly store: SessionStore
  readonly bucket: Bucket
  readonly signer: PartSigner
  readonly clock: Clock
  /** @default everything */
  readonly capabilities?: () => BucketCapabilities
  readonly audit: Audit | undefined
  readonly onDue?: (ref: UploadRef) => void
}

/** The coordinator, as the settings say. */
export function compose(
  config: ServerConfig,
  { store, bucket, signer, clock, capabilities, audit, onDue }: Composed,
): Partway {
  return createPartway({
    ...(onDue !== undefined && { onDue }),
    ...(config.checkContent && { contentCheck: checkContent }),
    store: audit === undefined ? store : audit.store(store),
    bucket,
    signer,
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
  rest: Pick<ConnectS3Options, 'clock' | 'credentials' | 'headers'>,
): S3Connection {
  const { name, ...options } = bucket
  return connectS3({ bucket: name, ...options, ...rest })
}
