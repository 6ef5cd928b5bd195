import { PartwayError } from '../partway-error.js'
import { reasonOf } from '../reason.js'
import type { RememberedFile } from '../upload-memory.js'
import { readBlob } from './read-blob.js'

const VERSION = 'as it was chosen'

export interface BlobFileOptions {
  /** Instead of the name that a file has. */
  readonly filename?: string
  readonly random: () => number
}

/**
 * A `File`, or bytes that are none, as a source. A file stays what it was when it was chosen: the browser
 * refuses to read one that was changed since (https://w3c.github.io/FileAPI/#file-error-read).
 *
 * The fingerprint of a file is its size, the time of its last change and its name. That is safe: parts
 * that are there already are compared with the local bytes before they are relied on.
 */
export function blobFile(blob: Blob, { filename, random }: BlobFileOptions): RememberedFile {
  const file = 'lastModified' in blob && 'name' in blob ? (blob as File) : undefined
  const name = filename ?? file?.name ?? 'blob'
  const origin = file === undefined ? `bytes:${random()}` : `file:${file.lastModified}`
  const refusing = <T>(access: Promise<T>) =>
    access.catch((cause: unknown) => {
      throw readError(cause, name)
    })
  return {
    name,
    size: blob.size,
    fingerprint: `${origin}:${blob.size}:${name}`.slice(0, 512),
    version: VERSION,
    ...(file === undefined ? {} : { lastModified: file.lastModified }),
    piece(offset, length) {
      const body = blob.slice(offset, offset + length)
      return { body, read: (buffer) => refusing(readBlob(body, buffer)) }
    },
    currentVersion: () => refusing(blob.slice(0, 1).arrayBuffer()).then(() => VERSION),
  }
}

function readError(cause: unknown, name: string): PartwayError {
  const kind = cause instanceof Error ? cause.name : ''
  if (kind === 'NotFoundError') {
    return new PartwayError('FILE_MISSING', `${name} is not there any more`, { cause })
  }
  // Of a file that was changed, browsers say nothing else than that it cannot be read.
  if (kind === 'NotReadableError') {
    const text = `${name} cannot be read any more: it was changed, moved or removed. Choose it again.`
    return new PartwayError('FILE_CHANGED', text, { cause })
  }
  return new PartwayError('FILE_UNREADABLE', `${name} cannot be read: ${reasonOf(cause)}`, {
    cause,
  })
}
