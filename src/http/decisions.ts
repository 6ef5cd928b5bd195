import type { Request, Response } from 'express'
import type { Caller } from '../coordinator/partway.js'
import { UploadError } from '../coordinator/upload-error.js'
import type { ErrorCode, RouteName, UploadState } from '../protocol/index.js'
import { queryIn } from './body.js'
import { toUploadError } from './error-handler.js'
import { requestIdOf } from './headers.js'
import type { Batches } from './reply.js'

/** What was decided on one request. It holds nothing that opens anything. */
export interface Decision {
  readonly action: RouteName
  /** Absent when nobody knows who called. */
  readonly owner?: string
  /** For a refusal, the one that was asked for. */
  readonly uploadId?: string
  readonly outcome: 'granted' | 'refused' | 'failed'
  /** Of the reply. */
  readonly status: number
  readonly code?: ErrorCode
  /** Of the upload, as the reply tells it. */
  readonly state?: UploadState
  readonly requestId?: string
}

/** Where decisions are recorded. When it rejects, the request is answered `AUDIT_UNAVAILABLE`. */
export interface DecisionLog {
  /** Asked before anything is done. Rejects while nothing can be recorded. */
  ready(): Promise<void>
  /** Resolves when the decision is recorded; the reply is sent after that. */
  record(decision: Decision): Promise<void>
}

export interface Reply {
  readonly status: number
  readonly message: object & { readonly uploadId?: string; readonly state?: UploadState }
  readonly batches?: Readonly<Record<string, Batches>>
}

/** What a request looks for, and does not change. */
const READS: readonly RouteName[] = ['status', 'list']
const RETRY_AFTER_MS = 5_000

interface Asked {
  readonly action: RouteName
  readonly req: Request
  readonly res: Response
}

/**
 * Does the work of a request, and records what came of it before anybody is told. Reads are recorded when they are
 * refused.
 */
export async function decided<T extends Reply | undefined>(
  log: DecisionLog | undefined,
  { action, req, res }: Asked,
  work: (isFrom: (caller: Caller) => void) => Promise<T>,
): Promise<T> {
  if (log === undefined) return work(() => {})
  await recorded(() => log.ready())
  const requestId = requestIdOf(res)
  let known: { readonly owner?: string } = {}
  const record = (outcome: Omit<Decision, 'action'>) =>
    recorded(() =>
      log.record({
        action,
        ...known,
        ...outcome,
        ...(requestId === undefined ? {} : { requestId }),
      }),
    )
  try {
    const reply = await work(({ owner }) => {
      known = { owner }
    })
    if (reply !== undefined && !READS.includes(action)) await record(granted(reply))
    return reply
  } catch (error) {
    if (!(error instanceof UploadError && error.code === 'AUDIT_UNAVAILABLE')) {
      await record(refused(toUploadError(error), req))
    }
    throw error
  }
}

function granted({ status, message }: Reply): Omit<Decision, 'action'> {
  const { uploadId, state } = message
  return {
    outcome: 'granted',
    status,
    ...(uploadId === undefined ? {} : { uploadId }),
    ...(state === undefined ? {} : { state }),
  }
}

function refused({ status, code }: UploadError, req: Request): Omit<Decision, 'action'> {
  const uploadId = uploadIdOf(req)
  return {
    outcome: status >= 500 ? 'failed' : 'refused',
    status,
    code,
    ...(uploadId === undefined ? {} : { uploadId }),
  }
}

/** Only what has the form of an id: whatever else a stranger wrote there is not for the log. */
function uploadIdOf(req: Request): string | undefined {
  const body: unknown = req.body
  const id =
    typeof body === 'object' && body !== null && 'upload_id' in body
      ? body.upload_id
      : queryIn(req).get('upload_id')
  return typeof id === 'string' && /^[A-Za-z0-9_-]{43}$/.test(id) ? id : undefined
}

async function recorded(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw new UploadError('AUDIT_UNAVAILABLE', 'Decisions cannot be recorded now; try again.', {
      cause,
      retryAfterMs: RETRY_AFTER_MS,
    })
  }
}
