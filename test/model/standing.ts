import type { Session, Upload } from '../../src/coordinator/session.js'
import type { StoredObject } from '../../src/protocol/index.js'
import type { FileHistory, MultipartHistory } from './history.js'
import { isObjectOf, isToBeFound } from './laws.js'
import { kindOf } from './model-file.js'
import { askedOf, isThere } from './object-laws.js'
import type { World } from './world.js'

/** How things stood before a call that nothing else had a hand in. */
export interface Standing {
  readonly session: Session | undefined
  readonly now: number
  /** Whether the bucket has the multipart upload of the record, and the object that proves it. */
  readonly isOpen: boolean
  readonly isOurs: boolean
  /** What whoever creates the upload finds: the object of a twin, its own, or that there is none. */
  readonly twin: StoredObject | undefined
  readonly opened: 'completed' | 'verifying' | 'uploading'
  /** The other multipart uploads under the key, newest first. */
  readonly ghosts: readonly MultipartHistory[]
}

export async function standingOf(world: World, history: FileHistory): Promise<Standing> {
  const session = await world.sessionOf(history)
  const twin = await twinOf(world, history)
  const isFound = await isToBeFound(world, history, session?.upload.epoch ?? 0)
  return {
    session,
    now: world.stage.now,
    isOpen: world.isOpen(session?.upload.multipartId),
    isOurs: session !== undefined && isObjectOf(world, history, session.upload),
    twin,
    opened: isFound || twin !== undefined ? verified(history, twin) : 'uploading',
    ghosts: world.openOf(history).filter(({ id }) => id !== session?.upload.multipartId),
  }
}

/** What a proven object makes the upload: where its hash is not known it must be read. */
function verified({ file }: FileHistory, twin: StoredObject | undefined) {
  const { fileHash } = file
  const isKnown = fileHash === undefined || twin?.[kindOf(fileHash)] === fileHash
  return isKnown ? 'completed' : 'verifying'
}

export function whenProven(upload: Upload): 'completed' | 'verifying' {
  return askedOf(upload).length === 0 ? 'completed' : 'verifying'
}

/** The object of the upload of this content that completed last, if both still are there. */
async function twinOf(world: World, history: FileHistory): Promise<StoredObject | undefined> {
  const holder = await world.holderOf(history)
  const upload = holder && (await world.sessionOf(holder))?.upload
  if (upload?.state !== 'completed' || upload.object === undefined) return undefined
  return isThere(world, upload.object) ? upload.object : undefined
}
