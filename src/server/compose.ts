import { type ConnectS3Options, connectS3, type S3Connection } from '../bucket/index.js'
import type { BeforeInit } from '../coordinator/before-init.js'
import type { BucketCapabilities } from '../coordinator/capabilities.js'
import { createPartway } from '../coordinator/create-partway.js'
import type { Partway } from '../coordinator/partway.js'
import type {
  Bucket,
  Clock,
  EventRef,
  PartRelay,
  PartSigner,
  SessionStore,
  UploadRef,
} from '../coordinator/ports.js'
import { checkContent, createOutbound, httpInitHook } from '../operations/index.js'
import type { Audit } from './audit/open-audit.js'
import type { ServerConfig } from './config.js'
import type { InitHookConfig } from './init-hook-config.js'

export interface Composed {
  readonly store: SessionStore
  readonly bucket: Bucket
  readonly signer: PartSigner
  /** Used where the settings ask for a relay. */
  readonly relay?: PartRelay
  readonly clock: Clock
  /** @default everything */
  readonly capabilities?: () => BucketCapabilities
  readonly audit: Audit | undefined
  readonly onDue?: (ref: UploadRef) => void
  readonly onEvent?: (ref: EventRef) => void
}

/** The coordinator, as the settings say. */
export function compose(
  config: ServerConfig,
  { store, bucket, signer, relay, clock, capabilities, audit, onDue, onEvent }: Composed,
): Partway {
  const { webhooks } = config
  const events = webhooks && {
    targets: webhooks.endpoints.map(({ target }) => target),
    types: webhooks.types,
    ...(onEvent !== undefined && { onEvent }),
  }
  return createPartway({
    ...(events !== undefined && { events }),
    ...(onDue !== undefined && { onDue }),
    ...(config.initHook !== undefined && { beforeInit: hookOf(config, config.initHook, clock) }),
    ...(config.checkContent && { contentCheck: checkContent }),
    store: audit === undefined ? store : audit.store(store),
    bucket,
    signer,
    ...(config.relay !== undefined && relay !== undefined && { relay }),
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

function hookOf(
  { outboundPrivate }: ServerConfig,
  { timeoutMs, ...hook }: InitHookConfig,
  clock: Clock,
): BeforeInit {
  const outbound = createOutbound({ clock, allowPrivate: outboundPrivate, timeoutMs })
  return httpInitHook({ outbound, clock, ...hook })
}

export function connectBucket(
  { bucket }: ServerConfig,
  rest: Pick<ConnectS3Options, 'clock' | 'credentials' | 'headers'>,
): S3Connection {
  const { name, ...options } = bucket
  return connectS3({ bucket: name, ...options, ...rest })
}
