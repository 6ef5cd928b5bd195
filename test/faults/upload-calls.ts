import type { CoordinatorApi } from '../../src/client/api.js'
import { PartwayError, type PartwayErrorDetails } from '../../src/client/partway-error.js'
import type { Caller, Partway, SignedBatches } from '../../src/coordinator/partway.js'
import { UploadError } from '../../src/coordinator/upload-error.js'
import {
  type AbortReply,
  type CompleteReply,
  type CompleteRequest,
  ERROR_STATUS,
  type ErrorCode,
  type InitReply,
  type InitRequest,
  isErrorCode,
  type PartsReply,
  type PartsRequest,
  type SignedPart,
  type StatusReply,
  type UploadState,
} from '../../src/protocol/index.js'

/** The calls of a client, whether the coordinator is in this process or behind HTTP. */
export interface UploadCalls {
  init(request: InitRequest): Promise<InitReply>
  parts(request: PartsRequest): Promise<PartsReply>
  /** With `reconcile=true`. */
  status(uploadId: string): Promise<StatusReply>
  complete(request: CompleteRequest): Promise<CompleteReply>
  abort(uploadId: string): Promise<AbortReply>
}

/** What the coordinator said no to, or that it was not there. */
export interface Refusal {
  /** Absent when there was no answer. */
  readonly code?: ErrorCode
  /** The upload's, where the refusal tells it. */
  readonly state?: UploadState
  /** Whether the same call may succeed later. */
  readonly isPassing: boolean
  readonly retryAfterMs: number
}

const PASSING: readonly ErrorCode[] = ['COMPLETION_IN_PROGRESS', 'UPLOAD_BUSY']

/** What an error of a call means to a client; what is none of a call's errors is thrown again. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof UploadError) return refused(error.code, error.details)
  if (!(error instanceof PartwayError)) throw error
  const { code, details } = error
  if (isErrorCode(code)) return refused(code, details)
  return { isPassing: true, retryAfterMs: 0 }
}

function refused(
  code: ErrorCode,
  { state, retryAfterMs = 0 }: Pick<PartwayErrorDetails, 'state' | 'retryAfterMs'>,
): Refusal {
  const isPassing = PASSING.includes(code) || ERROR_STATUS[code] === 503
  return { code, isPassing, retryAfterMs, ...(state === undefined ? {} : { state }) }
}

export function callsOf(partway: Partway, caller: Caller): UploadCalls {
  return {
    init: async (request) => {
      const { reply, parts } = await partway.init(caller, request)
      return parts === undefined ? reply : { ...reply, parts: await collect(parts) }
    },
    parts: async (request) => {
      const { reply, parts } = await partway.parts(caller, request)
      return { ...reply, parts: await collect(parts) }
    },
    status: (uploadId) => partway.status(caller, { uploadId, reconcile: 'true' }),
    complete: (request) => partway.complete(caller, request),
    abort: (uploadId) => partway.abort(caller, { uploadId }),
  }
}

async function collect(batches: SignedBatches): Promise<SignedPart[]> {
  const parts: SignedPart[] = []
  for await (const batch of batches) parts.push(...batch)
  return parts
}

/** `api` must not repeat a call by itself. */
export function callsOver(api: CoordinatorApi): UploadCalls {
  const options = { signal: new AbortController().signal }
  return {
    init: (request) => api.init(request, options),
    parts: (request) => api.parts(request, options),
    status: (uploadId) => api.status({ uploadId, reconcile: true }, options),
    complete: (request) => api.complete(request, options),
    abort: (uploadId) => api.abort(uploadId, options),
  }
}
