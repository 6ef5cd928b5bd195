import type { Session, Upload } from '../../src/coordinator/session.js'
import {
  hasObjectDigest,
  missingRanges,
  partSize,
  type StoredObject,
} from '../../src/protocol/index.js'
import { objectDigestOf } from '../helpers/memory-bucket-digest.js'
import { expectedHashOf, type Outcome } from './client.js'
import type { FileHistory, MultipartHistory } from './history.js'
import { kindOf } from './model-file.js'
import { type Standing, whenProven } from './standing.js'
import type { Call } from './steps.js'

/** The answer, in so many words. */
export function answerOf(call: Call, outcome: Outcome): string {
  if (outcome.kind === 'crashed') return 'crashed'
  if (outcome.kind === 'refused') {
    const { code, details } = outcome.error
    return code === 'PARTS_MISSING' ? partsMissing(details.missing ?? []) : code
  }
  const { state = 'done', uploaded = [] } = outcome.reply
  const isExact = call.do === 'status' && call.reconcile && state === 'uploading'
  return isExact ? uploadingWith(uploaded.map(({ index }) => index)) : state
}

function partsMissing(ranges: readonly (readonly [number, number])[]): string {
  return `PARTS_MISSING ${JSON.stringify(ranges)}`
}

function uploadingWith(indexes: readonly number[]): string {
  return `uploading with ${indexes.join(',') || 'none'}`
}

/** The answers that are right; `undefined` where it cannot be told which. */
export async function rightAnswers(
  history: FileHistory,
  call: Call,
  standing: Standing,
): Promise<readonly string[] | undefined> {
  const { session } = standing
  if (call.do === 'put' || call.do === 'intrude') return ['done']
  if (session === undefined) {
    if (call.do === 'work') return ['done']
    return call.do === 'init' ? [standing.opened] : ['UPLOAD_NOT_FOUND']
  }
  const { upload } = session
  if (upload.state === 'creating') return undefined
  if (contradicts(history, upload, call)) return ['CHECKSUM_MISMATCH']
  switch (upload.state) {
    case 'uploading':
      return upload.expiresAt <= standing.now
        ? whenOverdue(call, standing)
        : whenUploading(history, call, standing)
    case 'completing':
      return whenCompleting(history, call, standing)
    case 'aborting':
      return whenAborting(call)
    case 'verifying':
      return whenVerifying(call)
    case 'completed':
      return whenCompleted(history, call, standing)
    case 'failed':
    case 'aborted':
    case 'expired':
      return whenEnded(call, upload.state, standing)
  }
}

/** No object has two hashes of one kind. */
function contradicts(history: FileHistory, { fileHash }: Upload, call: Call): boolean {
  const expected = expectedHashOf(history, call)
  if (fileHash === undefined || expected === undefined) return false
  return kindOf(fileHash) === kindOf(expected) && fileHash !== expected
}

function whenOverdue(call: Call, standing: Standing): readonly string[] {
  switch (call.do) {
    case 'init':
      return ['uploading', ...proven(standing), standing.opened]
    case 'status':
      return ['expired']
    case 'abort':
      return afterAbort(standing)
    case 'work':
      return ['done']
    default:
      return ['UPLOAD_EXPIRED']
  }
}

async function whenUploading(
  history: FileHistory,
  call: Call,
  standing: Standing,
): Promise<readonly string[] | undefined> {
  switch (call.do) {
    case 'init':
      // Where it asks for all URLs the bucket is asked, and what is lost is opened anew.
      return ['uploading', ...proven(standing), ...(standing.isOpen ? [] : [standing.opened])]
    case 'status':
      return call.reconcile ? afterReconcile(history, standing) : ['uploading']
    case 'abort':
      return afterAbort(standing)
    case 'complete':
      return afterComplete(history, call, standing)
    default:
      return ['done']
  }
}

function proven({ session, isOurs }: Standing): readonly string[] {
  return session !== undefined && isOurs ? [whenProven(session.upload)] : []
}

/** What was completed, and only not noted as such, is not aborted. */
function afterAbort({ session, isOurs }: Standing): readonly string[] {
  if (session === undefined || !isOurs) return ['aborted']
  const isDone = whenProven(session.upload) === 'completed'
  return [isDone ? 'WRONG_STATE' : 'COMPLETION_IN_PROGRESS']
}

async function whenCompleting(
  history: FileHistory,
  call: Call,
  standing: Standing,
): Promise<readonly string[] | undefined> {
  switch (call.do) {
    case 'init':
    case 'status':
      return ['completing']
    case 'complete': {
      const answers = await afterComplete(history, { ...call, isReported: false }, standing)
      return answers && ['COMPLETION_IN_PROGRESS', ...answers]
    }
    case 'work':
      return ['done']
    default:
      return ['COMPLETION_IN_PROGRESS']
  }
}

function whenAborting(call: Call): readonly string[] {
  switch (call.do) {
    case 'init':
    case 'status':
      return ['aborting']
    case 'abort':
      return ['COMPLETION_IN_PROGRESS', 'aborted', 'WRONG_STATE']
    case 'work':
      return ['done']
    default:
      return ['WRONG_STATE']
  }
}

function whenVerifying(call: Call): readonly string[] {
  switch (call.do) {
    case 'init':
    case 'status':
    case 'complete':
      return ['verifying']
    case 'work':
      return call.reading === 'breaks' || call.reading === 'ends'
        ? ['done', 'BUCKET_UNAVAILABLE']
        : ['done']
    default:
      return ['COMPLETION_IN_PROGRESS']
  }
}

function whenCompleted(
  history: FileHistory,
  call: Call,
  { session, isOurs, opened }: Standing,
): readonly string[] {
  switch (call.do) {
    case 'init':
      return [isOurs ? 'completed' : opened]
    case 'status':
      return ['completed']
    case 'complete':
      return [afterCompletion(session?.upload.object, expectedHashOf(history, call))]
    case 'work':
      return ['done']
    default:
      return ['WRONG_STATE']
  }
}

/** What was read of the object tells, or it is read now. */
function afterCompletion(object: StoredObject | undefined, expected: string | undefined): string {
  if (expected === undefined) return 'completed'
  const known = object?.[kindOf(expected)]
  if (known === undefined) return 'verifying'
  return known === expected ? 'completed' : 'CHECKSUM_MISMATCH'
}

const REFUSALS = {
  failed: 'CHECKSUM_MISMATCH',
  aborted: 'WRONG_STATE',
  expired: 'UPLOAD_EXPIRED',
} as const

function whenEnded(
  call: Call,
  state: keyof typeof REFUSALS,
  { opened }: Standing,
): readonly string[] {
  switch (call.do) {
    case 'init':
      return [opened]
    case 'status':
      return [state]
    case 'work':
      return ['done']
    case 'abort':
      return [state === 'failed' ? REFUSALS.failed : state]
    default:
      return [REFUSALS[state]]
  }
}

function afterReconcile(
  history: FileHistory,
  { session, isOpen, isOurs, opened, ghosts }: Standing,
): readonly string[] | undefined {
  if (!isOpen && session !== undefined) {
    if (isOurs) return [whenProven(session.upload)]
    return [opened === 'uploading' ? uploadingWith(adoptedParts(history, ghosts)) : opened]
  }
  const arrived = session && arrivedOf(history, session)
  return arrived && [uploadingWith(arrived)]
}

async function afterComplete(
  history: FileHistory,
  call: Extract<Call, { do: 'complete' }>,
  { session, isOpen, isOurs, twin, opened, ghosts }: Standing,
): Promise<readonly string[] | undefined> {
  const { file } = history
  const expected = expectedHashOf(history, call)
  const isAsked = expected !== undefined || (session && whenProven(session.upload)) === 'verifying'
  const done = isAsked ? 'verifying' : 'completed'
  const { totalChunks } = file.layout
  const isWrong = call.digest === 'wrong' && hasObjectDigest(file.spec.checksum)
  if (!isOpen) {
    if (isOurs) return [isWrong ? 'CHECKSUM_MISMATCH' : done]
    const mismatch = await mismatchByRecord(history, call, session)
    if (opened === 'verifying') return [opened, ...mismatch]
    if (opened === 'completed') return [afterCompletion(twin, expected), ...mismatch]
    const adopted = adoptedParts(history, ghosts)
    const ranges = missingRanges(totalChunks, (index) => adopted.includes(index))
    return [partsMissing(ranges), ...mismatch]
  }
  const arrived = session && arrivedOf(history, session, call.isReported)
  if (arrived === undefined) return undefined
  if (arrived.length < totalChunks) {
    const ranges = missingRanges(totalChunks, (index) => arrived.includes(index))
    return [partsMissing(ranges), ...(await mismatchByRecord(history, call, session))]
  }
  const multipart = multipartOf(history, session)
  const bytes = file.indexes.map((index) => multipart?.parts.get(index)?.bytes ?? Buffer.alloc(0))
  const digest = await objectDigestOf(file.spec.checksum, bytes)
  const isDeclared = file.spec.isDeclared === true || call.digest === 'right'
  const isOther = isDeclared && digest !== (await file.digest())
  return [isWrong || isOther ? 'CHECKSUM_MISMATCH' : done]
}

/** Where the record has every part, its digest is compared before the bucket is asked. */
async function mismatchByRecord(
  { file, multiparts }: FileHistory,
  { digest }: Extract<Call, { do: 'complete' }>,
  session: Session | undefined,
): Promise<string[]> {
  if (!hasObjectDigest(file.spec.checksum)) return []
  if (digest === 'wrong') return ['CHECKSUM_MISMATCH']
  if (digest !== 'right' && file.spec.isDeclared !== true) return []
  const signed = multiparts.get(session?.upload.multipartId ?? '')?.signed
  for (const index of file.indexes) {
    const checksum = signed?.get(index)
    const isChanged = checksum !== undefined && checksum !== (await file.checksum(index, 'first'))
    if (isChanged) return ['CHECKSUM_MISMATCH']
  }
  return []
}

function multipartOf(history: FileHistory, session: Session | undefined) {
  return history.multiparts.get(session?.upload.multipartId ?? '')
}

/** The parts that the bucket has, with the bytes that they were signed for as far as can be told. */
function arrivedOf(
  history: FileHistory,
  session: Session,
  isReportedNow = false,
): number[] | undefined {
  const multipart = multipartOf(history, session)
  if (multipart === undefined || multipart.isOld) return undefined
  const recorded = new Map(session.parts.map(({ index, etag }) => [index, etag]))
  return history.file.indexes.filter((index) => {
    const reportedNow = isReportedNow ? history.etags.get(index) : undefined
    return hasArrived(history, { multipart, index, etag: reportedNow ?? recorded.get(index) })
  })
}

/** The parts of the ghost that is adopted when the upload is opened anew: of exact size, whoever signed. */
function adoptedParts({ file }: FileHistory, ghosts: readonly MultipartHistory[]): number[] {
  const most = Math.max(0, ...ghosts.map(({ parts }) => parts.size))
  const parts = ghosts.find((ghost) => ghost.parts.size === most)?.parts
  return file.indexes.filter(
    (index) => parts?.get(index)?.bytes.length === partSize(file.layout, index),
  )
}

interface Place {
  readonly multipart: MultipartHistory
  readonly index: number
  /** As reported. */
  readonly etag: string | undefined
}

function hasArrived({ file }: FileHistory, { multipart, index, etag }: Place): boolean {
  const part = multipart.parts.get(index)
  if (part?.bytes.length !== partSize(file.layout, index)) return false
  if (file.spec.checksum === 'none') return etag === undefined || part.etag === etag
  if (part.checksum === multipart.signed.get(index)) return true
  return file.spec.checksum === 'md5' && part.etag === etag
}
