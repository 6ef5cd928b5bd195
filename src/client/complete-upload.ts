import type { CompleteRequest, IndexRange, StatusReply, StoredObject } from '../protocol/index.js'
import type { Answered } from './api.js'
import { PartwayError } from './partway-error.js'
import type { SessionOptions, UploadSession } from './upload-session.js'

/** Rounds of parts that turn out to be missing at completion. */
const REPAIRS = 3
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 5_000

/**
 * Completes the upload: waits while another caller is at it or the server still verifies the object, sends
 * parts that turn out to be missing, and compares the finished object with the file.
 */
export async function completeUpload(
  session: UploadSession,
  options: SessionOptions,
): Promise<StoredObject> {
  const digest = await session.digest()
  const expectedHash = await options.expectedHash?.()
  const declared = { ...(digest && { digest }), ...(expectedHash && { expectedHash }) }
  let repairs = 0
  let isVerifying = false
  for (let waits = 0; ; waits++) {
    const answer: Answer = isVerifying
      ? await askForState(options)
      : await askToComplete(session, options, declared)
    const wasVerifying = isVerifying
    isVerifying = answer.kind === 'wait' && answer.isVerifying
    // Whether the object that was read has this very hash is for the completion to say.
    if (answer.kind === 'completed' && wasVerifying && expectedHash !== undefined) continue
    if (answer.kind === 'completed') return proven(answer.object, options, digest)
    if (answer.kind === 'wait') {
      const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(waits, 10))
      await options.ports.clock.sleep(answer.retryAfterMs ?? waitMs, options.signal)
    } else {
      if (++repairs > REPAIRS) throw answer.refusal
      await repair(session, options, answer)
    }
  }
}

type Answer =
  | { readonly kind: 'completed'; readonly object: StoredObject }
  | {
      readonly kind: 'wait'
      readonly retryAfterMs: number | undefined
      /** All parts are in; what is left is for the server to do. */
      readonly isVerifying: boolean
    }
  | Missing

interface Missing {
  readonly kind: 'missing'
  readonly ranges: readonly IndexRange[]
  readonly refusal: PartwayError
}

async function askToComplete(
  session: UploadSession,
  { file, api, uploadId, signal, emit }: SessionOptions,
  declared: Pick<CompleteRequest, 'digest' | 'expectedHash'>,
): Promise<Answer> {
  await file.assertUnchanged()
  const parts = session.exchange.pending()
  try {
    const reply = await api.complete(
      {
        uploadId,
        ...declared,
        ...(parts.length === 0 ? {} : { parts }),
      },
      { signal, onRetry: emit },
    )
    session.exchange.delivered(parts)
    return fromReply(reply)
  } catch (error) {
    return fromRefusal(error)
  }
}

async function askForState({ api, uploadId, signal, emit }: SessionOptions): Promise<Answer> {
  return fromReply(await api.status({ uploadId, reconcile: false }, { signal, onRetry: emit }))
}

function fromReply(reply: Answered<Pick<StatusReply, 'state' | 'object'>>): Answer {
  const { state, object, retryAfterMs } = reply
  if (state === 'completing' || state === 'verifying') {
    return { kind: 'wait', retryAfterMs, isVerifying: state === 'verifying' }
  }
  if (state === 'failed') {
    const text = 'The object in the bucket did not pass the verification of the server'
    throw new PartwayError('CHECKSUM_MISMATCH', text, { state })
  }
  if (state === 'completed' && object !== undefined) return { kind: 'completed', object }
  const text = `The server answered the completion with state ${state}, which it should not`
  throw new PartwayError('UNEXPECTED_REPLY', text, { state })
}

function fromRefusal(error: unknown): Answer {
  if (!(error instanceof PartwayError)) throw error
  if (error.code === 'COMPLETION_IN_PROGRESS') {
    return { kind: 'wait', retryAfterMs: error.retryAfterMs, isVerifying: false }
  }
  if (error.code === 'PARTS_MISSING' && error.missing !== undefined && error.missing.length > 0) {
    return { kind: 'missing', ranges: error.missing, refusal: error }
  }
  throw error
}

async function repair(
  session: UploadSession,
  { emit, phase, layout }: SessionOptions,
  { ranges, refusal }: Missing,
): Promise<void> {
  const within = ranges.filter(([first, last]) => first >= 1 && last <= layout.totalChunks)
  if (within.length < ranges.length) throw refusal
  emit({ type: 'retry', what: 'upload', reason: refusal.message, delayMs: 0 })
  session.forget(within)
  await session.send(within)
  phase('completing')
}

/** The client's own word on the object: it must be as long as the file and have the digest of its bytes. */
export function proven(
  object: StoredObject,
  { file }: Pick<SessionOptions, 'file'>,
  digest: string | undefined,
): StoredObject {
  const hasDigest = digest !== undefined && object.digest !== undefined
  if (object.size === file.size && !(hasDigest && object.digest !== digest)) return object
  throw new PartwayError('CHECKSUM_MISMATCH', 'The object in the bucket is not what was sent')
}
