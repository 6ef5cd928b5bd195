import type { Session, Upload } from '../../src/coordinator/session.js'
import { hasObjectDigest, missingRanges, partSize } from '../../src/protocol/index.js'
import { objectDigestOf } from '../helpers/memory-bucket-digest.js'
import type { Outcome } from './client.js'
import type { FileHistory, MultipartHistory } from './history.js'
import { isObjectOf, isToBeFound } from './laws.js'
import type { Call } from './steps.js'
import type { World } from './world.js'

/** How things stood before a call that nothing else had a hand in. */
export interface Standing {
  readonly session: Session | undefined
  readonly now: number
  /** Whether the bucket has the multipart upload of the record, and the object that proves it. */
  readonly isOpen: boolean
  readonly isOurs: boolean
  /** Whether whoever creates the upload finds its object at the bucket. */
  readonly isToBeFound: boolean
  /** The other multipart uploads under the key, newest first. */
  readonly ghosts: readonly MultipartHistory[]
}

export async function standingOf(world: World, history: FileHistory): Promise<Standing> {
  const session = await world.sessionOf(history)
  return {
    session,
    now: world.stage.now,
    isOpen: world.isOpen(session?.upload.multipartId),
    isOurs: session !== undefined && isObjectOf(world, history, session.upload),
    isToBeFound: await isToBeFound(world, history, session?.upload.epoch ?? 0),
    ghosts: world.openOf(history).filter(({ id }) => id !== session?.upload.multipartId),
  }
}

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
    if (call.do !== 'init') return ['UPLOAD_NOT_FOUND']
    return [standing.isToBeFound ? 'completed' : 'uploading']
  }
  const { upload } = session
  switch (upload.state) {
    case 'uploading':
      return upload.expiresAt <= standing.now
        ? whenOverdue(call, standing)
        : whenUploading(history, call, standing)
    case 'completing':
      return whenCompleting(history, call, standing)
    case 'aborting':
      return whenAborting(call)
    case 'completed':
    case 'aborted':
      return whenDone(call, upload, standing)
    default:
      return undefined
  }
}

function whenOverdue(call: Call, standing: Standing): readonly string[] {
  switch (call.do) {
    case 'init':
      return ['uploading', ...(standing.isOurs ? ['completed'] : [])]
    case 'status':
      return ['expired']
    case 'abort':
      return [standing.isOurs ? 'WRONG_STATE' : 'aborted']
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
      return ['uploading', ...(standing.isOurs ? ['completed'] : [])]
    case 'status':
      return call.reconcile ? afterReconcile(history, standing) : ['uploading']
    case 'abort':
      return [standing.isOurs ? 'WRONG_STATE' : 'aborted']
    case 'complete':
      return afterComplete(history, call, standing)
    default:
      return ['done']
  }
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
    default:
      return ['WRONG_STATE']
  }
}

function whenDone(call: Call, { state }: Upload, standing: Standing): readonly string[] {
  const isCompleted = state === 'completed'
  switch (call.do) {
    case 'init':
      return [(isCompleted ? standing.isOurs : standing.isToBeFound) ? 'completed' : 'uploading']
    case 'status':
      return [isCompleted ? 'completed' : 'aborted']
    case 'complete':
      return [isCompleted ? 'completed' : 'WRONG_STATE']
    case 'abort':
      return [isCompleted ? 'WRONG_STATE' : 'aborted']
    default:
      return ['WRONG_STATE']
  }
}

function afterReconcile(
  history: FileHistory,
  { session, isOpen, isOurs, ghosts }: Standing,
): readonly string[] | undefined {
  if (!isOpen) return [isOurs ? 'completed' : uploadingWith(adoptedParts(history, ghosts))]
  const arrived = session && arrivedOf(history, session)
  return arrived && [uploadingWith(arrived)]
}

async function afterComplete(
  history: FileHistory,
  call: Extract<Call, { do: 'complete' }>,
  { session, isOpen, isOurs, ghosts }: Standing,
): Promise<readonly string[] | undefined> {
  const { file } = history
  const { totalChunks } = file.layout
  const isWrong = call.digest === 'wrong' && hasObjectDigest(file.spec.checksum)
  if (!isOpen) {
    if (isOurs) return [isWrong ? 'CHECKSUM_MISMATCH' : 'completed']
    const adopted = adoptedParts(history, ghosts)
    const ranges = missingRanges(totalChunks, (index) => adopted.includes(index))
    return [partsMissing(ranges), ...(await mismatchByRecord(history, call, session))]
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
  return [isWrong || isOther ? 'CHECKSUM_MISMATCH' : 'completed']
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
  if (file.spec.checksum === 'none') return true
  if (part.checksum === multipart.signed.get(index)) return true
  return file.spec.checksum === 'md5' && part.etag === etag
}
