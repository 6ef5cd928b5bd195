import type { BucketCapabilities } from './capabilities.js'
import type { ContentCheck } from './first-bytes.js'
import type { Limits } from './limits.js'
import type { Caller } from './partway.js'
import type {
  Bucket,
  Clock,
  PartSigner,
  RandomIds,
  SessionStore,
  Signing,
  UploadRef,
} from './ports.js'
import type { Lifetime } from './session.js'
import type { CoordinatorSettings } from './settings.js'

/** What every use-case works with. The store and the bucket report their faults as `UploadError`. */
export interface Context {
  readonly store: SessionStore
  readonly bucket: Bucket
  readonly signer: PartSigner
  readonly clock: Clock
  readonly random: RandomIds
  readonly settings: CoordinatorSettings
  /** Of callers who have none of their own. */
  readonly limits: Limits
  /** As far as is known now: a bucket may be found out about while uploads go on. */
  readonly capabilities: () => BucketCapabilities
  /** Makes every new id. */
  readonly secret: string
  /** Made ids before; nothing new is made with them. */
  readonly formerSecrets: readonly string[]
  /** Absent when files are what they are said to be. */
  readonly contentCheck?: ContentCheck
  /** Says that there is work to do on an upload for which no client waits, such as to verify it. */
  readonly announce: (ref: UploadRef) => void
}

/** What the caller may do: the server's limits but for those that are the caller's own. */
export function limitsOf({ limits }: Context, caller: Caller): Limits {
  return { ...limits, ...caller.limits }
}

/** A client that sends a part again asks for its URL again; this many URLs each upload may have for that at least. */
const SPARE_URLS = 100

/** That so many URLs are about to be signed for an upload. */
export function signing({ settings }: Context, urls: number): Signing {
  return { urls, perPart: settings.signBudget, spare: SPARE_URLS }
}

/** The lifetime of an upload that somebody has just worked on. */
export function activeLifetime({ settings }: Context, now: number): Lifetime {
  const expiresAt = now + settings.sessionTtlMs
  return { expiresAt, keepUntil: expiresAt + settings.retentionMs }
}

/** The lifetime of the record of an upload that has just ended. */
export function finalLifetime({ settings }: Context, now: number): Lifetime {
  const keepUntil = now + settings.retentionMs
  return { expiresAt: keepUntil, keepUntil }
}
