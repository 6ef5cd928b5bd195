import type { CompleteMultipartOutcome } from '../coordinator/ports.js'
import { TOKEN_METADATA_KEY } from '../coordinator/session.js'
import { type ChecksumMode, hasObjectDigest } from '../protocol/index.js'
import { type Answer, type BucketFlags, UNKNOWN_FLAGS } from './probe-report.js'
import type { ProbeOptions, ProbeSubject } from './probe-subject.js'
import { TinyUpload } from './probe-upload.js'
import { putPart } from './put-part.js'
import { isRefusal, statusOf } from './status-error.js'

export interface Probing {
  readonly subject: ProbeSubject
  readonly options: ProbeOptions
  /** What met a fault, for people. */
  readonly faults: string[]
}

/** A probe that has its key. */
export interface Keyed extends Probing {
  readonly key: string
  readonly folder: string
}

type Plain = Pick<
  BucketFlags,
  'multipart' | 'metadataOnHead' | 'contentLengthEnforced' | 'completeReplay' | 'listMultipart'
>

/** What does not depend on checksums. */
export async function probePlain(keyed: Keyed): Promise<Plain> {
  const found: { -readonly [flag in keyof Plain]: Plain[flag] } = { ...UNKNOWN_FLAGS }
  const answer = await tiny(keyed, 'none', async (upload, token) => {
    found.listMultipart = await probeListing(keyed, upload)
    found.contentLengthEnforced = await upload.refusesOtherLength()
    await upload.send()
    const first = await upload.complete()
    if (first.kind !== 'completed') return ofRefusal(first)
    found.metadataOnHead = await comesBack(keyed, token, undefined)
    found.completeReplay = replayOf(await upload.complete())
    return 'yes'
  })
  // A later step of an upload that was completed may have failed; it was completed all the same.
  const multipart = found.metadataOnHead === 'unknown' ? answer : 'yes'
  const isSound = multipart === 'yes'
  return {
    ...found,
    multipart,
    // Where the right bytes are refused too, to refuse others says nothing.
    contentLengthEnforced: isSound ? found.contentLengthEnforced : 'unknown',
  }
}

async function probeListing(
  { subject, key, folder, faults }: Keyed,
  { multipartId }: TinyUpload,
): Promise<BucketFlags['listMultipart']> {
  try {
    if ((await subject.listMultipartIds(folder)).includes(multipartId)) return 'prefix'
    return (await subject.listMultipartIds(key)).includes(multipartId) ? 'exact-key' : 'none'
  } catch (error) {
    if (isRefusal(error)) return 'none'
    faults.push(faultOf('listMultipart', error))
    return 'unknown'
  }
}

/** Needs the object that the plain upload left. */
export async function probeIfNoneMatch(keyed: Keyed, { multipart }: Plain): Promise<Answer> {
  if (multipart !== 'yes') return 'unknown'
  return tiny(keyed, 'none', async (upload) => {
    await upload.send()
    const { kind } = await upload.complete({ as: keyed.subject.unreplacing })
    if (kind === 'conflict') return 'yes'
    return kind === 'completed' ? 'no' : 'unknown'
  })
}

interface ModeAnswers {
  /** Whether other bytes than the checksum's are refused. */
  readonly parts: Answer
  /** Whether all that the mode stands for is done. */
  readonly mode: Answer
}

export async function probeMode(
  keyed: Keyed,
  mode: Exclude<ChecksumMode, 'none'>,
): Promise<ModeAnswers> {
  let parts: Answer = 'unknown'
  const answer = await tiny(keyed, mode, async (upload, token) => {
    const other = await upload.refusesOtherBytes()
    await upload.send()
    parts = other
    if (parts !== 'yes' || !hasObjectDigest(mode)) return parts
    const refuses = await refusesDigest(upload)
    if (refuses !== 'yes') return refuses
    const outcome = await upload.complete()
    return outcome.kind === 'completed'
      ? comesBack(keyed, token, { mode, digest: upload.digest })
      : ofRefusal(outcome)
  })
  return { parts, mode: answer }
}

async function refusesDigest(upload: TinyUpload): Promise<Answer> {
  try {
    const { kind } = await upload.complete({ digest: await upload.otherDigest() })
    if (kind === 'completed') return 'no'
    return kind === 'digest-differs' || kind === 'invalid-part' ? 'yes' : 'unknown'
  } catch (error) {
    if (isRefusal(error)) return 'yes'
    throw error
  }
}

/** Whether HEAD gives back the token and, if asked for, the digest. */
async function comesBack(
  { subject, key }: Keyed,
  token: string,
  kept: { readonly mode: ChecksumMode; readonly digest: string | undefined } | undefined,
): Promise<Answer> {
  const head = await subject.bucket.headObject(key)
  if (head.kind === 'absent') return 'unknown'
  const { metadata, digests } = head.object
  const found = metadata[TOKEN_METADATA_KEY]
  if (found !== undefined && found !== token) return 'unknown'
  const isBack = kept === undefined ? found === token : digests[kept.mode] === kept.digest
  return isBack ? 'yes' : 'no'
}

/** Runs one step on a tiny upload, which is given up at the end. */
async function tiny(
  { subject, options, key, faults }: Keyed,
  mode: ChecksumMode,
  step: (upload: TinyUpload, token: string) => Promise<Answer>,
): Promise<Answer> {
  const { bucket, signer } = subject
  const token = `probe.${options.random()}`
  const { put = putPart } = options
  try {
    const upload = await TinyUpload.open({ bucket, signer, put, key, token, mode })
    try {
      return await step(upload, token)
    } finally {
      await succeeds(upload.giveUp())
    }
  } catch (error) {
    if (isRefusal(error)) return 'no'
    faults.push(faultOf(mode === 'none' ? 'a plain upload' : `an upload with "${mode}"`, error))
    return 'unknown'
  }
}

function ofRefusal({ kind }: CompleteMultipartOutcome): Answer {
  return kind === 'gone' || kind === 'conflict' ? 'unknown' : 'no'
}

function replayOf({ kind }: CompleteMultipartOutcome): BucketFlags['completeReplay'] {
  return kind === 'completed' || kind === 'gone' || kind === 'conflict' ? kind : 'unknown'
}

/** Never the message: those of an SDK quote addresses. */
export function faultOf(step: string, error: unknown): string {
  const name = error instanceof Error ? error.name : 'a fault'
  const status = statusOf(error)
  return `${step} (${status === undefined ? name : `${name}, ${status}`})`
}

export async function succeeds(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch {
    return false
  }
}
