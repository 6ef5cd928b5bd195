import type {
  BeginOutcome,
  BeginStep,
  ClaimOutcome,
  ClaimStep,
  CompleteMultipart,
  CreateMultipart,
  ExtendStep,
  MultipartTarget,
  PartsChange,
  ReadObject,
  RecordOutcome,
  SettleStep,
} from '../../src/coordinator/ports.js'
import { TOKEN_METADATA_KEY, type UploadDraft } from '../../src/coordinator/session.js'
import { type FileHistory, MultipartHistory } from './history.js'
import { contentProblem } from './laws.js'
import { nameOf } from './object-laws.js'
import type { Performance, World } from './world.js'

/** A call to a port that was made. */
export interface MadeCall {
  readonly name: string
  readonly args: readonly unknown[]
  readonly result: unknown
}

/** What the ports were told and answered; by their contract that is what they hold from then on. */
export function note(world: World, performance: Performance, made: MadeCall): void {
  const { history, call } = performance
  const { name, args, result } = made
  switch (name) {
    case 'begin':
    case 'claim':
    case 'extend':
    case 'open':
    case 'settle':
      noteStep(world, performance, made)
      return
    case 'createMultipartUpload': {
      const { metadata } = args[0] as CreateMultipart
      const { multipartId } = result as { multipartId: string }
      const token = metadata[TOKEN_METADATA_KEY] ?? ''
      const others = [...history.multiparts.values()]
      if (!history.isForgotten && others.some((other) => other.token === token)) {
        problem(world, history, 'two multipart uploads have one token')
      }
      history.multiparts.set(multipartId, new MultipartHistory(multipartId, token))
      return
    }
    case 'abortMultipartUpload': {
      const { multipartId } = args[0] as MultipartTarget
      const { record } = history
      const isEnd = call.do === 'abort' || (call.do === 'work' && record?.state === 'aborting')
      if (!isEnd && record?.multipartId === multipartId) {
        problem(world, history, `${call.do} threw the parts away`)
      }
      return
    }
    case 'recordParts':
      noteParts(history, args[1] as PartsChange, result as RecordOutcome)
      return
    case 'completeMultipartUpload':
      if ((result as { kind: string }).kind === 'completed') {
        noteObject(world, history, args[0] as CompleteMultipart)
      }
  }
}

/** The steps by which claims are taken, kept and left. */
function noteStep(
  world: World,
  { history, actor }: Performance,
  { name, args, result }: MadeCall,
): void {
  switch (name) {
    case 'begin': {
      const { id, key } = args[0] as UploadDraft
      const step = args[1] as BeginStep
      history.id = id
      history.key = key
      if ((result as BeginOutcome).kind !== 'created') return
      world.forgetContents(history)
      history.openingEnd = step.now + step.leaseMs
      noteClaim(world, { history, actor }, step)
      return
    }
    case 'claim':
      if ((result as ClaimOutcome).kind !== 'claimed') return
      noteClaim(world, { history, actor }, args[1] as ClaimStep)
      return
    case 'extend':
      if (result === true) noteExtension(history, args[1] as ExtendStep)
      if (result !== true || history.extend(actor, args[1] as ExtendStep)) return
      problem(world, history, 'extend by one whose claim is not the latest')
      return
    default: {
      if (result !== true) return
      history.leaseEnd = 0
      const { contents = [] } = args[1] as Partial<SettleStep>
      world.keepContents(history, contents)
      if (history.claimant === actor) return
      problem(world, history, `${name} by one whose claim is not the latest`)
    }
  }
}

function noteExtension(history: FileHistory, { state, now, leaseMs }: ExtendStep): void {
  if (state === 'creating') history.openingEnd = now + leaseMs
}

function noteClaim(
  world: World,
  { history, actor }: Pick<Performance, 'history' | 'actor'>,
  step: BeginStep | ClaimStep,
): void {
  const isFree = history.claim(actor, step)
  if (!isFree) problem(world, history, 'claimed while the claim of another was live')
}

function noteParts(history: FileHistory, change: PartsChange, outcome: RecordOutcome): void {
  if (outcome.kind !== 'recorded') return
  const multipart = history.multiparts.get(outcome.upload.multipartId ?? '')
  for (const { index, checksum } of change.signed) multipart?.sign(index, checksum)
  for (const { index, etag } of change.arrived) multipart?.report(index, etag)
}

function noteObject(world: World, history: FileHistory, { multipartId }: CompleteMultipart): void {
  const object = world.bucket.object(history.key)
  const multipart = history.multiparts.get(multipartId)
  if (object === undefined || multipart === undefined) return
  const isRace = [...world.performing].filter((other) => other.history === history).length > 1
  const wrong = contentProblem(history, { multipart, bytes: object.bytes, isRace })
  if (wrong === undefined) history.rightObjects.set(object.etag, object.bytes)
  else world.problems.push(wrong)
}

/** `length` bytes more of an object have come, from `start`. */
export function noteBytes(
  { bytesRead }: Performance,
  { key, etag }: ReadObject,
  { start, length }: { readonly start: number; readonly length: number },
): void {
  const name = nameOf({ key, etag })
  const until = bytesRead.get(name) ?? 0
  if (start <= until) bytesRead.set(name, Math.max(until, start + length))
}

function problem(world: World, { file }: FileHistory, text: string): void {
  world.problems.push(`${file.spec.filename}: ${text}`)
}
