import * as z from 'zod/mini'
import {
  type ChecksumMode,
  hasForbiddenCharacter,
  type InitRequest,
  initRequest,
  parseMessage,
} from '../protocol/index.js'
import { type Context, limitsOf } from './context.js'
import { draftOf, type Granted } from './draft.js'
import { keyPrefixProblem } from './key-prefix.js'
import { type Limits, parseLimits } from './limits.js'
import { narrowed } from './narrowed-limits.js'
import type { Caller } from './partway.js'
import { fieldRefusal, UploadError } from './upload-error.js'

/** What is told of an upload before it is opened, or found again. */
export interface BeforeInitRequest {
  readonly owner: string
  /** As it will be stored. */
  readonly filename: string
  readonly size: number
  readonly contentType?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** What the client asked for, if it did. */
  readonly chunkSize?: number
  readonly checksum?: ChecksumMode
  /** What the client says of the content; nothing of it is proven yet. */
  readonly digest?: string
  readonly fileHash?: string
  readonly fingerprint?: string
}

export type InitDecision =
  | {
      readonly allow: true
      /**
       * Comes after the server's own key prefix, and ends with a slash. It is part of what makes an upload the same as
       * another: the same file under another prefix is another upload.
       */
      readonly keyPrefix?: string
      /** Added to the client's own, of which it takes the place where both have the same key. An upload that is known already keeps what it has. */
      readonly metadata?: Readonly<Record<string, string>>
      /** Besides those of the caller: of both the narrower holds. */
      readonly limits?: Limits
    }
  | {
      readonly allow: false
      /** Shown to the client: at most 500 characters on one line. */
      readonly message?: string
    }

/**
 * Asked at each `init` of an upload that nothing else refuses, before the store and the bucket are. An answer that is not
 * valid and a rejection let nobody in: 503 `HOOK_UNAVAILABLE`, but for an `UploadError`, which is answered as it is.
 */
export type BeforeInit = (request: BeforeInitRequest) => InitDecision | Promise<InitDecision>

const RETRY_AFTER_MS = 5_000
const MAX_MESSAGE = 500
/** Names of fields come from outside, too. */
const MAX_COMPLAINT = 300

const decision = z.discriminatedUnion('allow', [
  z.strictObject({
    allow: z.literal(true),
    keyPrefix: z.optional(
      z.string().check(
        z.refine((prefix) => keyPrefixProblem(prefix) === undefined && /^$|\/$/.test(prefix), {
          error: 'must be a key prefix that ends with a slash',
        }),
      ),
    ),
    metadata: initRequest.shape.metadata,
    limits: z.optional(
      z.unknown().check(
        z.refine((limits) => limits === undefined || parseLimits(limits) !== undefined, {
          error: 'must be limits, with no other fields',
        }),
      ),
    ),
  }),
  z.strictObject({
    allow: z.literal(false),
    message: z.optional(
      z.string().check(
        z.minLength(1),
        z.maxLength(MAX_MESSAGE),
        z.refine((text) => !hasForbiddenCharacter(text), {
          error: 'must not have control, bidirectional or invisible characters',
        }),
      ),
    ),
  }),
])

/** A decision from outside. Throws a `TypeError` that names what is wrong, and no value. */
export function checkedDecision(input: unknown): InitDecision {
  const parsed = parseMessage(decision, input)
  if (parsed.kind === 'invalid') {
    const fields = parsed.errors.map(({ field, message }) => `${field || 'it'}: ${message}`)
    const complaint = fields.join('; ').slice(0, MAX_COMPLAINT)
    throw new TypeError(`the decision is not valid; ${complaint}`)
  }
  const { value } = parsed
  if (!value.allow) {
    const { message } = value
    return { allow: false, ...(message !== undefined && { message }) }
  }
  const { keyPrefix, metadata } = value
  const limits = parseLimits(value.limits)
  return {
    allow: true,
    ...(keyPrefix !== undefined && { keyPrefix }),
    ...(metadata !== undefined && { metadata }),
    ...(limits !== undefined && { limits }),
  }
}

/** The upload as it may be opened. Throws when it may not. */
export async function granted(
  context: Context,
  caller: Caller,
  request: InitRequest,
): Promise<Granted> {
  const { beforeInit } = context
  const asked: Granted = { caller, request, folder: '' }
  if (beforeInit === undefined) return asked
  // What is refused whatever the hook says is none of its business.
  const { filename } = draftOf(context, asked)
  const decided = await decisionOf(beforeInit, told(caller, request, filename))
  if (!decided.allow) {
    throw new UploadError('INIT_REFUSED', decided.message ?? 'This upload is not allowed.')
  }
  const { keyPrefix: folder = '', metadata, limits = {} } = decided
  if (keyPrefixProblem(`${context.settings.keyPrefix}${folder}`) !== undefined) {
    throw unavailable(new TypeError('the key prefix is too long after that of the server'))
  }
  const both = parseLimits(narrowed(limitsOf(context, caller), limits))
  if (both === undefined) throw unavailable(new TypeError('the limits leave no size for a part'))
  return {
    caller: { ...caller, limits: both },
    request: metadata === undefined ? request : withMetadata(request, metadata),
    folder,
  }
}

async function decisionOf(hook: BeforeInit, request: BeforeInitRequest): Promise<InitDecision> {
  try {
    return checkedDecision(await hook(request))
  } catch (error) {
    throw error instanceof UploadError ? error : unavailable(error)
  }
}

/** Field by field, so that nothing is told that was not meant to be. */
function told({ owner }: Caller, request: InitRequest, filename: string): BeforeInitRequest {
  const { size, contentType, metadata, chunkSize, checksum, digest, fingerprint } = request
  const fileHash = request.fileHash?.toLowerCase()
  return {
    owner,
    filename,
    size,
    ...(contentType !== undefined && { contentType }),
    ...(metadata !== undefined && { metadata }),
    ...(chunkSize !== undefined && { chunkSize }),
    ...(checksum !== undefined && { checksum }),
    ...(digest !== undefined && { digest }),
    ...(fileHash !== undefined && { fileHash }),
    ...(fingerprint !== undefined && { fingerprint }),
  }
}

function withMetadata(request: InitRequest, added: Record<string, string>): InitRequest {
  const metadata = { ...request.metadata, ...added }
  if (!initRequest.shape.metadata.safeParse(metadata).success) {
    const rule = 'has no room for what the server adds to it'
    throw fieldRefusal('INVALID_REQUEST', 'metadata', rule)
  }
  return { ...request, metadata }
}

function unavailable(cause: unknown): UploadError {
  return new UploadError(
    'HOOK_UNAVAILABLE',
    'Whether this upload is allowed cannot be found out now; try again.',
    { retryAfterMs: RETRY_AFTER_MS, cause },
  )
}
