import { createHash } from 'node:crypto'
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListObjectsV2Command,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { SessionStore } from '../../src/coordinator/ports.js'
import { objectToken, tokenEpoch, type Upload } from '../../src/coordinator/session.js'
import type { ChecksumMode, CompleteReply, UploadState } from '../../src/protocol/index.js'
import type { Asked, Served } from '../helpers/fault-proxy.js'
import type { S3CallName } from '../helpers/s3-call.js'
import type { Payload } from './payload.js'

/** Where to ask what really is, past everything that a test disturbs. */
export interface Ground {
  readonly client: S3Client
  readonly bucket: string
  readonly store: Pick<SessionStore, 'find'>
  readonly owner: string
}

export interface Expected {
  readonly id: string
  readonly state: 'completed' | 'failed' | 'aborted'
  readonly mode: ChecksumMode
  readonly payload: Payload
  /** The SHA-256 for which the object must have been read before it is completed. */
  readonly sha256?: string
  /** What the bucket answered in all. */
  readonly served: readonly Served<S3CallName>[]
  /** Every "completed" that a client was given. */
  readonly told: readonly CompleteReply[]
  /** Every state that a client was told, in order. */
  readonly states: readonly UploadState[]
}

/**
 * The invariants that do not hold, in words; none, when all is well.
 *
 * - I1 completed means that the object is there, with our token, size and checksum
 * - I2 an object with our token means that the upload is completed; of one that failed there is none
 * - I3 what was completed is never anything else
 * - I4 there is one object at most, and it is made once
 * - I6 whoever was told "completed" or "failed" was told the truth
 */
export async function brokenInvariants(ground: Ground, expected: Expected): Promise<string[]> {
  const { id, state } = expected
  const session = await ground.store.find({ owner: ground.owner, id }, Date.now())
  const objects = await objectsOf(ground, id)
  if (session === undefined) return ['the store knows nothing of the upload']
  const { upload } = session
  const broken = [...tellers(upload, expected)]
  const made = objectsMade(expected)
  if (made !== (state === 'aborted' ? 0 : 1)) broken.push(`I4: ${made} objects were made`)
  if (objects.length > 1) broken.push(`I4: ${objects.length} objects`)
  if (upload.state !== state) broken.push(`the upload is ${upload.state}, not ${state}`)
  const object = await readObject(ground, objects[0])
  const isOurs = hasOurToken(upload, object?.reply.Metadata?.['partway-token'])
  if (isOurs && upload.state !== 'completed') broken.push(`I2: an object, but ${upload.state}`)
  if (object !== undefined && !isOurs) broken.push('I4: an object with another token')
  if (upload.state === 'completed') broken.push(...(await objectFlaws(upload, object, expected)))
  if (upload.state === 'aborted') broken.push(...(await leftovers(ground, upload)))
  return broken
}

/**
 * The requests, of an upload that nobody gave up, that could have cost a client what it sent. What may be
 * aborted is only what an interrupted creation left: a multipart upload that no record names, that has
 * been sent no part and that nobody has asked to complete. What may be removed is only an object that
 * made its upload fail.
 */
export async function wrongRemovals(
  { store, owner }: Ground,
  { id, asked }: { readonly id: string; readonly asked: readonly Asked<S3CallName>[] },
): Promise<string[]> {
  const session = await store.find({ owner, id }, Date.now())
  const inUse = new Set([session?.upload.multipartId])
  for (const { name, path } of asked) {
    if (name === 'UploadPart' || name === 'CompleteMultipartUpload') inUse.add(multipartOf(path))
  }
  const aborts = asked.filter(
    ({ name, path }) => name === 'AbortMultipartUpload' && inUse.has(multipartOf(path)),
  )
  const isRight = session?.upload.state !== 'failed'
  const deletes = asked.filter(
    ({ name, path }) => name === 'DeleteObject' && isRight && path.includes(id),
  )
  return [
    ...aborts.map(({ path }) => `parts were removed after an error: ${path}`),
    ...deletes.map(({ path }) => `a good object was to be removed: ${path}`),
  ]
}

function multipartOf(path: string): string {
  const multipartId = new URL(path, 'http://bucket').searchParams.get('uploadId')
  if (multipartId === null) throw new Error(`this is no call of a multipart upload: ${path}`)
  return multipartId
}

/**
 * An adopted multipart upload has the token of the epoch that opened it. No store is emptied here, so that
 * epoch is never a later one than the record's.
 */
function hasOurToken(upload: Upload, token: string | undefined): boolean {
  if (upload.adopted !== true) return token === objectToken(upload)
  const epoch = tokenEpoch(upload.id, token)
  return epoch !== undefined && epoch <= upload.epoch
}

function* tellers(upload: Upload, { told, states }: Expected): Generator<string> {
  const first = states.indexOf('completed')
  if (first >= 0 && states.slice(first).some((state) => state !== 'completed')) {
    yield `I3: a client was told ${states.join(', ')}`
  }
  if (first >= 0 && upload.state !== 'completed') yield `I3, I6: told completed, ${upload.state}`
  if (states.includes('failed') && upload.state !== 'failed') {
    yield `I6: told failed, ${upload.state}`
  }
  for (const { object } of told) {
    if (JSON.stringify(object) !== JSON.stringify(upload.object)) yield 'I6: told another object'
  }
}

/** From how many multipart uploads the bucket has made an object. */
function objectsMade({ id, served }: Expected): number {
  const completions = served.filter(
    ({ name, path, reply }) =>
      name === 'CompleteMultipartUpload' &&
      path.includes(id) &&
      reply.status === 200 &&
      !reply.body.includes('<Error>'),
  )
  return new Set(completions.map(({ path }) => path)).size
}

interface ReadObject {
  readonly reply: GetObjectCommandOutput
  readonly sha256: string
}

async function objectFlaws(
  upload: Upload,
  object: ReadObject | undefined,
  { payload, mode, sha256: verified, served, id }: Expected,
): Promise<string[]> {
  if (object === undefined) return ['I1: completed, but there is no object']
  const { reply, sha256 } = object
  const digest = await payload.digest(mode)
  const flaws: string[] = []
  if (reply.ContentLength !== payload.file.size) flaws.push(`I1: size ${reply.ContentLength}`)
  if (sha256 !== payload.sha256) flaws.push('I1: the content is not that of the file')
  if (mode === 'sha256' && reply.ChecksumSHA256 !== digest) {
    flaws.push(`I1: checksum ${reply.ChecksumSHA256}, not ${digest}`)
  }
  if (upload.object?.digest !== digest) flaws.push('I1: the record has another digest')
  if (`"${upload.object?.etag}"` !== reply.ETag) flaws.push('I1: the record has another ETag')
  if (upload.object?.sha256 !== verified) flaws.push('I1: the record has another SHA-256')
  if (verified !== undefined && !served.some((call) => isReadOf(id, call))) {
    flaws.push('I1: the object was never read')
  }
  return flaws
}

function isReadOf(id: string, { name, path }: Served<S3CallName>): boolean {
  return name === 'GetObject' && path.includes(id)
}

async function objectsOf({ client, bucket }: Ground, id: string): Promise<string[]> {
  const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: `${id}/` })
  const { Contents = [] } = await client.send(command)
  return Contents.map(({ Key = '' }) => Key)
}

async function readObject(
  { client, bucket }: Ground,
  key: string | undefined,
): Promise<ReadObject | undefined> {
  if (key === undefined) return undefined
  const command = new GetObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' })
  const reply = await client.send(command)
  const hash = createHash('sha256')
  for await (const chunk of reply.Body?.transformToWebStream() ?? []) hash.update(chunk)
  return { reply, sha256: hash.digest('hex') }
}

/** Aborted means that neither an object nor the multipart upload is there. */
async function leftovers(ground: Ground, { key, multipartId, id }: Upload): Promise<string[]> {
  const left = (await objectsOf(ground, id)).length > 0 ? ['aborted, but there is an object'] : []
  const target = { Bucket: ground.bucket, Key: key, UploadId: multipartId }
  const isGone = await ground.client.send(new ListPartsCommand(target)).then(
    () => false,
    (error: unknown) => error instanceof Error && error.name === 'NoSuchUpload',
  )
  return isGone ? left : [...left, 'aborted, but the multipart upload is there']
}
