import type { PartwayError, ProgressEvent, UploadResult, UploadStatus } from '../client/index.js'
import { formatBytes, formatSeconds } from '../client/units.js'

export type Tone = 'calm' | 'active' | 'waiting' | 'done' | 'failed'

/** How a state is called, and in which colour it is shown. */
export const STATES: Readonly<
  Record<UploadStatus, { readonly word: string; readonly tone: Tone }>
> = {
  idle: { word: 'Queued', tone: 'calm' },
  locked: { word: 'Waits for another tab', tone: 'waiting' },
  preparing: { word: 'Preparing', tone: 'active' },
  uploading: { word: 'Uploading', tone: 'active' },
  offline: { word: 'Offline', tone: 'waiting' },
  completing: { word: 'Checking', tone: 'active' },
  paused: { word: 'Paused', tone: 'waiting' },
  cancelling: { word: 'Cancelling', tone: 'calm' },
  completed: { word: 'Done', tone: 'done' },
  failed: { word: 'Failed', tone: 'failed' },
  cancelled: { word: 'Cancelled', tone: 'calm' },
}

/** `12.0 MiB of 40.0 MiB (30 %), 5.2 MiB/s, 6 s left` */
export function progressText(progress: ProgressEvent, isMoving: boolean): string {
  const { acknowledgedBytes, totalBytes, bytesPerSecond, secondsLeft } = progress
  const share = `${formatBytes(acknowledgedBytes)} of ${formatBytes(totalBytes)} (${percentOf(progress)} %)`
  const speed = isMoving && bytesPerSecond > 0 ? `, ${formatBytes(bytesPerSecond)}/s` : ''
  const left = isMoving && secondsLeft !== undefined ? `, ${formatSeconds(secondsLeft)} left` : ''
  return share + speed + left
}

/** Of what the bucket has confirmed, rounded down: 100 is all of it. */
export function percentOf({
  acknowledgedBytes,
  totalBytes,
}: Pick<ProgressEvent, 'acknowledgedBytes' | 'totalBytes'>): number {
  return totalBytes === 0 ? 0 : Math.floor((acknowledgedBytes * 100) / totalBytes)
}

const KEPT = 'What has arrived is kept: try again, now or later.'

const ADVICE: Readonly<Record<string, { readonly title: string; readonly advice?: string }>> = {
  SERVER_UNREACHABLE: { title: 'The server does not answer', advice: KEPT },
  BUCKET_UNREACHABLE: { title: 'The bucket does not answer', advice: KEPT },
  STORE_UNAVAILABLE: { title: 'The server is not well', advice: KEPT },
  BUCKET_UNAVAILABLE: { title: 'The bucket is not well', advice: KEPT },
  ETAG_NOT_EXPOSED: { title: 'The bucket is not set up for pages' },
  BUCKET_REFUSED: { title: 'The bucket refused it' },
  FILE_EMPTY: { title: 'The file is empty', advice: 'There is nothing to upload.' },
  FILE_MISSING: { title: 'The file is gone' },
  FILE_CHANGED: { title: 'The file was changed' },
  FILE_UNREADABLE: { title: 'The file cannot be read' },
  QUOTA_EXCEEDED: { title: 'There is no room for the file' },
  LIMIT_REACHED: { title: 'There is no room for now' },
  FILE_TOO_LARGE: { title: 'The file is too large' },
  TYPE_NOT_ALLOWED: { title: 'Files of this type are not taken' },
  CONTENT_MISMATCH: { title: 'The file is not of the type that its name says' },
  CHECKSUM_MISMATCH: { title: 'What arrived is not what was sent' },
}

export interface Problem {
  readonly title: string
  readonly text: string
  /** For whoever looks for it in a log. */
  readonly trace: string
}

export function problemOf({ code, message, requestId }: PartwayError): Problem {
  const { title, advice } = ADVICE[code] ?? { title: 'The upload failed' }
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`
  return {
    title,
    text: advice === undefined ? sentence : advice,
    trace: requestId === undefined ? code : `${code}, request ${requestId}`,
  }
}

/** Codes with which the same file will fail again. */
const FINAL = new Set(['FILE_EMPTY', 'FILE_MISSING', 'FILE_CHANGED', 'FILE_UNREADABLE'])

export function canTryAgain({ code, status }: PartwayError): boolean {
  if (code === 'QUOTA_EXCEEDED') return true
  return !FINAL.has(code) && status !== 413 && status !== 415
}

/** What is to be shown of a finished upload, by its name. */
export function resultRows({ object }: UploadResult): [name: string, value: string][] {
  const { key, size, etag, digest } = object
  return [
    ['Key', key],
    ['Size', `${formatBytes(size)} (${size.toLocaleString('en')} bytes)`],
    digest === undefined ? ['ETag', etag] : [checksumName(digest), digest],
  ]
}

/** A composite SHA-256 tells its kind by its form. */
function checksumName(digest: string): string {
  const [, parts] = /^[A-Za-z0-9+/]{43}=-(\d+)$/.exec(digest) ?? []
  if (parts === undefined) return 'Checksum'
  return `SHA-256 of ${parts === '1' ? '1 part' : `${parts} parts`}`
}
