import type { StoredObject } from '../protocol/index.js'
import type { Context } from './context.js'
import { bucketFault } from './faults.js'
import type { Upload, UploadDraft } from './session.js'
import { essence } from './stored-as.js'

/** Whether a file of that media type may begin so. `beginning` has 64 KiB, or all there is. */
export type ContentCheck = (type: string, beginning: Uint8Array) => Promise<boolean>

const BEGINNING = 64 * 1024

type Looked = UploadDraft & Pick<Upload, 'standing'>

/** Whether the object has to be looked at before anybody is told that it is there. What stood once is not. */
export function mustLook({ contentCheck }: Context, { contentType, standing }: Looked): boolean {
  return contentCheck !== undefined && contentType !== undefined && standing !== true
}

/** Reads the first bytes. `gone`: the object is not there, or is another one. */
export async function lookAt(
  context: Context,
  upload: Looked,
  { object, signal }: { readonly object: StoredObject; readonly signal: AbortSignal },
): Promise<'fits' | 'differs' | 'gone'> {
  const { contentCheck } = context
  const { contentType } = upload
  if (contentCheck === undefined || contentType === undefined) return 'fits'
  const { key, etag, versionId, size } = object
  const version = versionId === undefined ? {} : { versionId }
  const end = Math.min(size, BEGINNING)
  const found = await context.bucket.readObject({ key, etag, ...version, start: 0, end, signal })
  if (found.kind !== 'found') return 'gone'
  const beginning = await collect(found.bytes)
  return (await contentCheck(essence(contentType), beginning)) ? 'fits' : 'differs'
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of bytes) pieces.push(piece)
  } catch (fault) {
    throw bucketFault(fault)
  }
  return Buffer.concat(pieces)
}
