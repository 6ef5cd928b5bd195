import type { Upload } from '../../src/coordinator/session.js'
import type { StoredObject } from '../../src/protocol/index.js'
import type { FileHistory } from './history.js'
import { hasHash, kindOf, type ModelFile } from './model-file.js'
import type { Performance, World } from './world.js'

/** What must be true of the objects that records and replies name. Each function names what is not. */

/** An object that an upload has: made of right parts by itself or a twin, and its hashes are true. */
export function objectProblem(
  world: World,
  history: FileHistory,
  object: StoredObject,
): string | undefined {
  const maker = world.makerOf(object.key)
  const bytes = bytesOf(world, object)
  if (maker === undefined || bytes === undefined) return 'the object was not made of right parts'
  for (const hash of [object.sha256, object.md5]) {
    if (hash !== undefined && !hasHash(bytes, hash)) return 'the object has not the hash it is said'
  }
  if (maker === history) return undefined
  const isOwners = maker.file.spec.owner === history.file.spec.owner
  if (!isOwners) return 'the object of another owner was given'
  return isOf(history.file, bytes) ? undefined : 'the object of another content was given'
}

/** By what stands for content: a SHA-256 of all parts or of the whole, never an MD5 or a CRC. */
function isOf(file: ModelFile, bytes: Buffer): boolean {
  const { checksum, isDeclared } = file.spec
  if (checksum === 'sha256' && isDeclared === true) return bytes.equals(file.bytes())
  const { fileHash } = file
  return fileHash !== undefined && kindOf(fileHash) === 'sha256' && hasHash(bytes, fileHash)
}

/** The end of an upload against the hashes that were asked of its object. */
export function endProblem(
  world: World,
  history: FileHistory,
  { last, next }: { readonly last: Upload | undefined; readonly next: Upload },
): string | undefined {
  const object = next.object ?? last?.object
  const bytes = object && bytesOf(world, object)
  if (object === undefined || bytes === undefined) return undefined
  const denied = askedOf(next).filter((hash) => !hasHash(bytes, hash))
  const wasStanding = last?.standing === true
  if (next.state === 'completed') {
    const isTold = denied.every((hash) => object[kindOf(hash)] !== undefined)
    return denied.length === 0 || (wasStanding && isTold)
      ? undefined
      : 'completed, and the object has not the hash that was asked for'
  }
  if (next.state !== 'failed' || history.deletions > 0) return undefined
  if (wasStanding) return 'what was completed before has failed'
  if (denied.length === 0) return 'failed, and the object has every hash that was asked for'
  const isLeft = object.key === history.key && isThere(world, object)
  return isLeft ? 'failed, and its object is there' : undefined
}

/** Before an object is removed by the coordinator. */
export function removalProblem(
  world: World,
  { history, actor, bytesRead }: Performance,
  object: { readonly key: string; readonly etag: string },
): string | undefined {
  if (!isThere(world, object)) return undefined
  const bytes = world.bucket.object(object.key)?.bytes ?? Buffer.alloc(0)
  const { record, key, claimant } = history
  if (claimant !== actor) return 'an object was removed by one whose claim is not the latest'
  if (object.key !== key) return 'an object was removed that another upload made'
  if (record === undefined) return 'an object was removed of which there is no record'
  if ((bytesRead.get(nameOf(object)) ?? 0) < bytes.length) return 'an object was removed unread'
  if (askedOf(record).every((hash) => hasHash(bytes, hash))) return 'a right object was removed'
  const relies = world.histories.find((other) => reliesOn(world, other, object))
  return relies && `an object was removed that ${relies.file.spec.filename} relies on`
}

function reliesOn(
  world: World,
  { record, told }: FileHistory,
  object: { readonly key: string; readonly etag: string },
): boolean {
  if (told !== undefined && nameOf(told) === nameOf(object)) return true
  if (record?.object === undefined || record.keepUntil <= world.stage.now) return false
  const isRelied = record.state === 'completed' || record.standing === true
  return isRelied && nameOf(record.object) === nameOf(object)
}

/** Whether the very object is in the bucket. */
export function isThere(
  world: World,
  { key, etag }: { readonly key: string; readonly etag: string },
): boolean {
  return world.bucket.object(key)?.etag === etag
}

export function bytesOf(world: World, { key, etag }: StoredObject): Buffer | undefined {
  return world.makerOf(key)?.rightObjects.get(etag)
}

export function nameOf({ key, etag }: { readonly key: string; readonly etag: string }): string {
  return `${key} ${etag}`
}

export function askedOf({ fileHash, expectedHash }: Upload): string[] {
  return [fileHash, expectedHash].filter((hash) => hash !== undefined)
}
