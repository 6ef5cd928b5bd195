import type { InitReply, InitRequest, StatusReply, StoredObject } from '../protocol/index.js'
import { CoordinatorApi } from './api.js'
import { completeUpload, proven } from './complete-upload.js'
import { Concurrency } from './concurrency.js'
import type { UploadEvent } from './events.js'
import { PartLedger } from './part-ledger.js'
import { PartwayError } from './partway-error.js'
import type { ClientPorts, FileSource } from './ports.js'
import { ProgressMeter } from './progress-meter.js'
import { DEFAULT_RETRY } from './retry.js'
import { StableFile } from './stable-file.js'
import { checkedConcurrency, type EngineOptions, type UploadResult } from './upload-options.js'
import { type SessionOptions, UploadSession } from './upload-session.js'

/** How often an upload is begun again that turns out to be gone, or in another state than was thought. */
const BEGINNINGS = 3
/** What `init` is answered with when the upload is new. */
const CREATED = 201

type Frame = Omit<SessionOptions, 'uploadId' | 'layout' | 'mode'>

/**
 * Uploads a file, going on where an earlier upload of the same file stopped.
 *
 * In order: `init`; the parts that are there already are compared with the local bytes; what is missing
 * or differs is sent; complete. It resolves only when the server has proven the object. If the server
 * or the bucket lost the upload, it is begun again by itself.
 *
 * Rejects with {@link PartwayError}: the server's codes, or one of `CLIENT_ERROR_CODES`; `INTERRUPTED`
 * when `signal` was aborted. After any failure, the same call goes on with what has arrived.
 */
export async function uploadFile(
  source: FileSource,
  ports: ClientPorts,
  options: EngineOptions,
): Promise<UploadResult> {
  if (source.size === 0) {
    throw new PartwayError('FILE_EMPTY', `${source.name} is empty: there are no bytes to upload`)
  }
  const frame = frameOf(source, ports, options)
  const request = initRequest(source, options)
  let uploadId: string | undefined
  try {
    for (let beginning = 1; ; beginning++) {
      try {
        const reply = await begin(frame, request, beginning > 1)
        uploadId = reply.uploadId
        options.onBegin?.(reply)
        const object = await finish(frame, reply)
        frame.emit({ type: 'completed', uploadId, object })
        return { uploadId, object }
      } catch (error) {
        if (beginning === BEGINNINGS || !isToBeginAgain(error)) throw error
        frame.emit({ type: 'retry', what: 'upload', reason: error.message, delayMs: 0 })
        frame.meter.reset()
      }
    }
  } catch (error) {
    if (!frame.signal.aborted) throw error
    throw new PartwayError('INTERRUPTED', 'The upload was stopped; what has arrived is kept', {
      ...(uploadId === undefined ? {} : { uploadId }),
      cause: frame.signal.reason,
    })
  }
}

function frameOf(source: FileSource, ports: ClientPorts, options: EngineOptions): Frame {
  const { server, token, headers, retry = DEFAULT_RETRY, stallMs = 60_000 } = options
  const { onEvent = () => {}, onPhase: phase = () => {}, ledger = new PartLedger() } = options
  const now = () => ports.clock.now()
  const api = new CoordinatorApi({
    ...{ server, ports, retry },
    ...(token === undefined ? {} : { token }),
    ...(headers === undefined ? {} : { headers }),
    onOffline: (isOffline) => phase(isOffline ? 'offline' : 'uploading'),
  })
  return {
    ...{ api, ports, retry, stallMs, ledger, phase },
    expectedHash: options.expectedHash,
    file: new StableFile(source),
    meter: options.meter ?? new ProgressMeter(source.size, now),
    emit: (event: UploadEvent) => onEvent(event),
    concurrency: new Concurrency({ ...checkedConcurrency(options.concurrency), now }),
    signal: options.signal ?? new AbortController().signal,
  }
}

export function initRequest(source: FileSource, options: EngineOptions): InitRequest {
  const { chunkSize, checksum, contentType, metadata } = options
  return {
    filename: source.name,
    size: source.size,
    ...(source.fingerprint === undefined ? {} : { fingerprint: source.fingerprint }),
    ...(chunkSize === undefined ? {} : { chunkSize }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
  }
}

/**
 * The upload as it stands. Where it was begun before, or something was not as it should be, it is the bucket's own
 * word: the coordinator only remembers what it was told, and who was cut off may have told it nothing.
 */
async function begin(
  { api, signal, emit }: Frame,
  request: InitRequest,
  isDoubtful: boolean,
): Promise<StatusReply> {
  const options = { signal, onRetry: emit }
  const reply = await api.init(request, options)
  emit({ type: 'init', ...pick(reply) })
  const isNew = reply.httpStatus === CREATED && reply.uploaded.length === 0
  if (reply.state !== 'uploading' || (isNew && !isDoubtful)) return reply
  return api.status({ uploadId: reply.uploadId, reconcile: true }, options)
}

function pick({ uploadId, state, size, chunkSize, totalChunks }: InitReply) {
  return { uploadId, state, size, chunkSize, totalChunks }
}

async function finish(frame: Frame, reply: StatusReply): Promise<StoredObject> {
  const { state, object, uploadId, size, chunkSize, totalChunks, checksum, uploaded } = reply
  if (size !== frame.file.size || totalChunks !== Math.ceil(size / chunkSize)) {
    throw new PartwayError('UNEXPECTED_REPLY', 'The server speaks of a file of another size')
  }
  const isDone = state === 'completed' && object !== undefined
  if (isDone && frame.expectedHash === undefined) return proven(object, frame, undefined)
  const layout = { size, chunkSize, totalChunks }
  const options = { ...frame, uploadId, layout, mode: checksum }
  const session = new UploadSession(options)
  try {
    if (state === 'uploading') await session.bring(uploaded)
    else if (!PAST_SENDING.includes(state)) throw wrongState(state)
    frame.phase('completing')
    return await completeUpload(session, options)
  } catch (error) {
    if (!isToBeginAgain(error)) await session.reportBeforeLeaving()
    throw error
  }
}

const PAST_SENDING: readonly StatusReply['state'][] = ['completing', 'verifying', 'completed']

function wrongState(state: StatusReply['state']): PartwayError {
  return new PartwayError('WRONG_STATE', `The upload is ${state}; try again in a while`, { state })
}

/**
 * The upload is not what it was taken for: unknown (a lost store), expired, gone from the bucket, or
 * being completed by somebody else. `init` of the same file puts all of that right.
 */
function isToBeginAgain(error: unknown): error is PartwayError {
  if (!(error instanceof PartwayError)) return false
  switch (error.code) {
    case 'UPLOAD_NOT_FOUND':
    case 'UPLOAD_EXPIRED':
    case 'UPLOAD_GONE':
    case 'COMPLETION_IN_PROGRESS':
      return true
    case 'WRONG_STATE':
      return error.details.state === 'completed' || error.details.state === 'expired'
    default:
      return false
  }
}
