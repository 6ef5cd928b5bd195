import {
  type ListedUpload,
  partSize,
  type StatusReply,
  type UploadedPart,
  type UploadState,
} from '../protocol/index.js'
import {
  FINAL_STATES,
  isArrived,
  isOverdue,
  type Session,
  type SessionState,
  type Upload,
} from './session.js'
import { UploadError } from './upload-error.js'

/** The upload as its owner sees it. */
export function statusReply({ upload, parts }: Session, now: number): StatusReply {
  const uploaded = parts.filter(isArrived).map(
    ({ index, etag, checksum }): UploadedPart => ({
      index,
      size: partSize(upload, index),
      etag,
      ...(checksum === undefined ? {} : { checksum }),
    }),
  )
  return {
    ...common(upload, now),
    uploaded,
    ...(upload.object === undefined ? {} : { object: upload.object }),
  }
}

export function listedUpload(upload: Upload, arrivedCount: number, now: number): ListedUpload {
  return { ...common(upload, now), uploadedCount: arrivedCount }
}

function common(upload: Upload, now: number) {
  const { id, filename, size, chunkSize, totalChunks, checksum } = upload
  return {
    uploadId: id,
    state: shownState(upload, now),
    filename,
    size,
    chunkSize,
    totalChunks,
    checksum,
    expiresIn: secondsLeft(upload, now),
  }
}

export function shownState(upload: Upload, now: number): UploadState {
  if (isOverdue(upload, now)) return 'expired'
  return upload.state === 'creating' ? 'uploading' : upload.state
}

/** Until the upload takes no more parts or, when it has ended, until its record is forgotten. */
function secondsLeft(upload: Upload, now: number): number {
  const end = isFinal(upload.state) ? upload.keepUntil : upload.expiresAt
  return Math.max(0, Math.floor((end - now) / 1000))
}

function isFinal(state: SessionState): boolean {
  return FINAL_STATES.some((final) => final === state)
}

export function notFound(): UploadError {
  return new UploadError('UPLOAD_NOT_FOUND', 'There is no upload of that upload_id.')
}

/** Why an upload in its present state cannot do what was asked of it. */
export function wrongState(upload: Upload, now: number): UploadError {
  if (upload.state === 'creating') {
    return new UploadError('UPLOAD_BUSY', 'The upload is just being opened.', {
      retryAfterMs: 1_000,
    })
  }
  const state = shownState(upload, now)
  switch (state) {
    case 'expired':
      return new UploadError('UPLOAD_EXPIRED', 'The upload has expired; init it again.', { state })
    case 'failed':
      return new UploadError(
        'CHECKSUM_MISMATCH',
        'The object was not the file that it should be; the upload has failed. Init it again.',
        { state },
      )
    case 'completing':
    case 'verifying':
      return completionInProgress(1_000, state)
    default:
      return new UploadError('WRONG_STATE', `The upload is ${state}.`, { state })
  }
}

export function completionInProgress(retryAfterMs: number, state: UploadState): UploadError {
  return new UploadError('COMPLETION_IN_PROGRESS', 'The upload is being completed; ask again.', {
    state,
    retryAfterMs,
  })
}
