import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { abort } from './abort.js'
import { ALL_CAPABILITIES, type BucketCapabilities } from './capabilities.js'
import { cleanUp } from './clean-up.js'
import { complete } from './complete.js'
import type { Context } from './context.js'
import { due, resume } from './due-work.js'
import { reportingFaults } from './faults.js'
import type { ContentCheck } from './first-bytes.js'
import { init } from './init.js'
import { DEFAULT_LIMITS, type Limits, parseLimits } from './limits.js'
import { list } from './list.js'
import type { Partway } from './partway.js'
import type { Bucket, Clock, PartSigner, RandomIds, SessionStore, UploadRef } from './ports.js'
import { type CoordinatorSettings, DEFAULT_SETTINGS } from './settings.js'
import { parts } from './sign-parts.js'
import { status } from './status.js'

export interface PartwayOptions {
  readonly store: SessionStore
  readonly bucket: Bucket
  readonly signer: PartSigner
  /**
   * Makes upload ids: at least 32 bytes, the same on every server that shares the store. With
   * another secret the same file gets another id. Of several the first makes ids, and an upload that was
   * begun under one of the others is found again.
   */
  readonly secret: string | readonly string[]
  readonly settings?: Partial<CoordinatorSettings>
  /** What callers may do who have no limits of their own. @default files of at most 5 TiB */
  readonly limits?: Limits
  /**
   * What the bucket can do, as far as is known when it is asked. A mode that it cannot do is refused.
   * @default everything
   */
  readonly capabilities?: () => BucketCapabilities
  /**
   * Compares the first bytes of each object with its declared type before the upload is `completed`; what differs is
   * removed, and the upload `failed`. `partway/operations` has one, `checkContent`.
   * @default none
   */
  readonly contentCheck?: ContentCheck
  /**
   * Told of each upload that there is something to do for now, besides what clients ask for; see
   * `Partway.resume`. Must not throw.
   * @default nobody
   */
  readonly onDue?: (ref: UploadRef) => void
  /** @default the system's clock */
  readonly clock?: Clock
  /** @default the system's random numbers */
  readonly random?: RandomIds
}

const MIN_SECRET_BYTES = 32

/**
 * Puts the coordinator together. Throws a `TypeError` when an option cannot work; starts nothing and
 * asks nothing.
 */
export function createPartway(options: PartwayOptions): Partway {
  const { store } = options
  const [secret, ...formerSecrets] = checkedSecrets(options.secret)
  const context: Context = {
    store: reportingFaults(store, 'STORE_UNAVAILABLE'),
    bucket: reportingFaults(options.bucket, 'BUCKET_UNAVAILABLE'),
    signer: reportingFaults(options.signer, 'BUCKET_UNAVAILABLE'),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    settings: { ...DEFAULT_SETTINGS, ...options.settings },
    limits: { ...DEFAULT_LIMITS, ...checkedLimits(options.limits ?? {}) },
    capabilities: options.capabilities ?? (() => ALL_CAPABILITIES),
    secret,
    formerSecrets,
    ...(options.contentCheck !== undefined && { contentCheck: options.contentCheck }),
    announce: ({ owner, id }) => options.onDue?.({ owner, id }),
  }
  return {
    init: (caller, request) => init(context, caller, request),
    parts: (caller, request) => parts(context, caller, request),
    status: (caller, query) => status(context, caller, query),
    complete: (caller, request) => complete(context, caller, request),
    abort: (caller, request) => abort(context, caller, request),
    list: (caller, query) => list(context, caller, query),
    usage: ({ owner }) => context.store.usage(owner, context.clock.now()),
    due: (limit) => due(context, limit),
    resume: (ref, signal = new AbortController().signal) => resume(context, ref, signal),
    cleanUp: (cleaning) => cleanUp(context, cleaning),
    check: async () => ({
      store: await answers(store.check()),
      bucket: await answers(options.bucket.check()),
    }),
    close: () => store.close(),
  }
}

function checkedSecrets(given: string | readonly string[]): readonly [string, ...string[]] {
  const [first, ...others] = typeof given === 'string' ? [given] : given
  if (first === undefined) throw new TypeError('secret must have at least one item')
  if ([first, ...others].some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES)) {
    throw new TypeError(`secret must have at least ${MIN_SECRET_BYTES} bytes`)
  }
  return [first, ...others]
}

function checkedLimits(given: Limits): Limits {
  const limits = parseLimits(given)
  if (limits === undefined) throw new TypeError('limits are not valid')
  return limits
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => sleep(ms),
}

const systemRandom: RandomIds = { uploadId: () => randomBytes(32).toString('base64url') }

async function answers(check: Promise<void>): Promise<boolean> {
  try {
    await check
    return true
  } catch {
    return false
  }
}
