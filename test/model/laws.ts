import { createHash } from 'node:crypto'
import { TOKEN_METADATA_KEY, tokenEpoch, type Upload } from '../../src/coordinator/session.js'
import { hasObjectDigest, partOffset, partSize } from '../../src/protocol/index.js'
import type { FileHistory, MultipartHistory } from './history.js'
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
    toldProblem(world, history) ??
    moveProblem(world, change) ??
    (next === undefined ? undefined : stateProblem(world, history, next))
  return problem === undefined ? undefined : `${history.file.spec.filename}: ${problem}`
}

/** "Completed" stays true until the test deletes the object. */
function toldProblem(world: World, { told, key, id, rightEtag }: FileHistory): string | undefined {
  if (told === undefined) return undefined
  const object = world.bucket.object(key)
  if (object === undefined) return 'a client was told "completed", and there is no object'
  if (!object.metadata[TOKEN_METADATA_KEY]?.startsWith(`${id}.`)) return 'the object is not ours'
  if (object.etag !== rightEtag) return 'the object is not the one that was made of right parts'
  return undefined
}

const MOVES: Partial<Record<Upload['state'], readonly Upload['state'][]>> = {
  creating: ['uploading'],
  uploading: ['completing', 'aborting'],
  completing: ['uploading', 'completed'],
  aborting: ['aborted', 'completed'],
}

function moveProblem(world: World, { history, next, call }: Change): string | undefined {
  const last = history.record
  if (last === undefined) return undefined
  if (next === undefined) return `the record vanished while ${last.state}`
  if (last.state === 'creating' && next.state === 'completed') {
    return takenProblem(world, history, next)
  }
  if (next.epoch !== last.epoch) return epochProblem(world, { history, last, next, call })
  if (next.state === last.state || MOVES[last.state]?.includes(next.state)) return undefined
  return history.isForgotten && next.state === 'failed'
    ? undefined
    : `the upload went from ${last.state} to ${next.state}`
}

/** An object that was found instead of opening the upload: the right one, of an epoch not judged yet. */
function takenProblem(world: World, history: FileHistory, next: Upload): string | undefined {
  const { deletions, judged, rightEtag } = history
  if (next.object?.etag !== rightEtag) return 'an object was taken that was not made of right parts'
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
    case 'failed':
      return call.do === 'init' ? undefined : `${call.do} opened again what was ${last.state}`
    case 'completed':
      return undefined
    default:
      return world.isOpen(last.multipartId) ? 'parts in the bucket were given up' : undefined
  }
}

function stateProblem(world: World, history: FileHistory, next: Upload): string | undefined {
  if (next.state !== 'aborted') return undefined
  if (world.isOpen(next.multipartId)) return 'aborted, and the multipart upload is open'
  if (isObjectOf(world, history, next)) return 'aborted, and its object is there'
  return undefined
}

/**
 * Whether the object under the key proves the upload. Which epoch an adopted multipart upload has cannot
 * be known, so any epoch of the id will do for it, with the size and the digest that are known.
 */
export function isObjectOf(world: World, history: FileHistory, upload: Upload): boolean {
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
