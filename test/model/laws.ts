import { createHash } from 'node:crypto'
import { TOKEN_METADATA_KEY, tokenEpoch, type Upload } from '../../src/coordinator/session.js'
import { hasObjectDigest, partOffset, partSize } from '../../src/protocol/index.js'
import type { FileHistory, MultipartHistory } from './history.js'
import { endProblem, isThere, objectProblem } from './object-laws.js'
import type { Call } from './steps.js'
import type { World } from './world.js'

/** What must be true after every call to a port, whoever made it. Each function names what is not. */

interface Change {
  readonly history: FileHistory
  readonly next: Upload | undefined
  /** Of whoever made the change. */
  readonly call: Call
}

export function recordProblem(world: World, change: Change): string | undefined {
  const { history, next } = change
  const problem =
    moveProblem(world, change) ??
    (next === undefined ? undefined : stateProblem(world, history, next))
  return problem === undefined ? undefined : `${history.file.spec.filename}: ${problem}`
}

/** "Completed" stays true until the test deletes the object. */
export function toldProblem(world: World, { told, file }: FileHistory): string | undefined {
  if (told === undefined || isThere(world, told)) return undefined
  const there = world.bucket.object(told.key) === undefined ? 'no object' : 'another object'
  return `${file.spec.filename}: a client was told "completed", and there is ${there}`
}

const MOVES: Partial<Record<Upload['state'], readonly Upload['state'][]>> = {
  creating: ['uploading'],
  uploading: ['completing', 'aborting'],
  completing: ['uploading', 'completed', 'verifying'],
  verifying: ['completed', 'failed'],
  completed: ['verifying'],
  aborting: ['aborted', 'expired', 'completed', 'verifying'],
}

function moveProblem(world: World, { history, next, call }: Change): string | undefined {
  const last = history.record
  if (last === undefined) return undefined
  if (next === undefined) return `the record vanished while ${last.state}`
  if (last.state === 'creating' && next.object !== undefined) {
    return takenProblem(world, history, next) ?? endProblem(world, history, { last, next })
  }
  if (next.epoch !== last.epoch) return epochProblem(world, { history, last, next, call })
  if (next.state === last.state) return undefined
  if (MOVES[last.state]?.includes(next.state)) {
    if (last.state === 'completed' && next.standing !== true) return 'completed is forgotten'
    return endProblem(world, history, { last, next })
  }
  return history.isForgotten && next.state === 'failed'
    ? undefined
    : `the upload went from ${last.state} to ${next.state}`
}

/** An object that was there instead of opening the upload: a twin's, or its own of an epoch not judged yet. */
function takenProblem(world: World, history: FileHistory, next: Upload): string | undefined {
  const { deletions, judged, key } = history
  if (next.object?.key !== key) return undefined
  if (next.epoch <= judged) return `the object of epoch ${next.epoch} was taken after its judgement`
  // The test may have deleted it between the look-up and the record.
  if (epochAt(world, history) === next.epoch || deletions > 0) return undefined
  return `no object of epoch ${next.epoch} is there to be taken`
}

interface NewEpoch {
  readonly history: FileHistory
  readonly last: Upload
  readonly next: Upload
  readonly call: Call
}

function epochProblem(world: World, { history, last, next, call }: NewEpoch): string | undefined {
  if (next.epoch !== last.epoch + 1) return `the epoch went from ${last.epoch} to ${next.epoch}`
  // After a loss the epochs begin anew, so that one may be taken for that of an earlier record.
  if (history.isForgotten) return undefined
  if (isObjectOf(world, history, last))
    return `the object of epoch ${last.epoch} was given up while ${last.state}`
  switch (last.state) {
    case 'aborted':
    case 'expired':
    case 'failed':
      return call.do === 'init' ? undefined : `${call.do} opened again what was ${last.state}`
    case 'completed':
      return undefined
    default:
      return world.isOpen(last.multipartId) ? 'parts in the bucket were given up' : undefined
  }
}

function stateProblem(world: World, history: FileHistory, next: Upload): string | undefined {
  const { state, object } = next
  if (object !== undefined && object !== history.record?.object) {
    const problem = objectProblem(world, history, object)
    if (problem !== undefined) return problem
  }
  if (state !== 'aborted' && state !== 'expired') return undefined
  if (world.isOpen(next.multipartId)) return `${state}, and the multipart upload is open`
  if (isObjectOf(world, history, next)) return `${state}, and its object is there`
  return undefined
}

/**
 * Whether the object under the key, or the one that it was given, proves the upload. Which epoch an adopted multipart upload has cannot
 * be known, so any epoch of the id will do for it, with the size and the digest that are known.
 */
export function isObjectOf(world: World, history: FileHistory, upload: Upload): boolean {
  const { object, state } = upload
  if (object !== undefined && object.key !== history.key) {
    return state !== 'failed' && isThere(world, object)
  }
  const epoch = epochAt(world, history)
  if (epoch === upload.epoch) return true
  if (epoch === undefined || upload.adopted !== true) return false
  return isIntact(world, upload, upload.object?.digest ?? upload.digest)
}

/** Whether an upload of which the record ends at the epoch `judged` has an object to be found. */
export async function isToBeFound(
  world: World,
  history: FileHistory,
  judged: number,
): Promise<boolean> {
  const { file, key } = history
  const { checksum, size, isDeclared = false } = file.spec
  const declared = isDeclared ? await file.digest() : undefined
  const isNew = (epochAt(world, history) ?? 0) > judged
  return isNew && isIntact(world, { key, checksum, size }, declared)
}

function isIntact(
  world: World,
  { key, checksum, size }: Pick<Upload, 'key' | 'checksum' | 'size'>,
  expected: string | undefined,
): boolean {
  const object = world.bucket.object(key)
  if (object?.size !== size) return false
  if (!hasObjectDigest(checksum) || expected === undefined) return true
  return object.digests[checksum] === expected
}

function epochAt(world: World, { id = '', key }: FileHistory): number | undefined {
  return tokenEpoch(id, world.bucket.object(key)?.metadata[TOKEN_METADATA_KEY])
}

interface Content {
  readonly multipart: MultipartHistory
  readonly bytes: Buffer
  /** Whether others may have signed parts since the list of parts was made. */
  readonly isRace: boolean
}

/** No object is ever made of other bytes than the client was to send. */
export function contentProblem(history: FileHistory, content: Content): string | undefined {
  const { file } = history
  const { filename, size, isDeclared = false } = file.spec
  if (content.bytes.length !== size) return `${filename}: ${content.bytes.length} bytes were stored`
  for (const index of file.indexes) {
    const start = partOffset(file.layout, index)
    const bytes = content.bytes.subarray(start, start + partSize(file.layout, index))
    const isRight = isDeclared
      ? bytes.equals(file.part(index, 'first'))
      : isLegitimate(history, content, { index, bytes })
    if (!isRight) return `${filename}: part ${index} of the object has wrong bytes`
  }
  return undefined
}

function isLegitimate(
  { file }: FileHistory,
  { multipart, isRace }: Content,
  { index, bytes }: { readonly index: number; readonly bytes: Buffer },
): boolean {
  const put = multipart.everPut.get(index)?.find((part) => part.bytes.equals(bytes))
  if (put === undefined) return false
  if (multipart.isOld || file.spec.checksum === 'none') return true
  // Where the bucket keeps no checksum, the client's word for a part is all there is (SSE-KMS).
  const isVouched = multipart.reported.get(index)?.includes(put.etag) ?? false
  if (file.spec.checksum === 'md5' && isVouched) return true
  const signed = isRace ? multipart.everSigned.get(index) : [multipart.signed.get(index)]
  return signed?.includes(put.checksum) ?? false
}

export function etagOf(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}
