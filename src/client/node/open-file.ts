import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { PartwayError } from '../partway-error.js'
import type { FileSource } from '../ports.js'

export interface OpenFile extends FileSource {
  close(): Promise<void>
}

/**
 * Opens a regular file; a symbolic link is followed to one. Throws `FILE_MISSING`, `FILE_UNREADABLE` or
 * `FILE_NOT_REGULAR`: a directory, a device or a pipe has no size that an upload could be of.
 *
 * `fingerprint` is the base64url SHA-256 of the base name, the size and the time of the last change, so
 * nothing of the content has to be read to find the upload of an untouched file again. That is safe:
 * parts that are there already are compared with the local bytes before they are relied on.
 */
export async function openFile(path: string): Promise<OpenFile> {
  const name = basename(path)
  // Looked at before it is opened: opening a pipe waits for a writer, opening a device may act on it.
  assertRegular(await refusing(path, () => stat(path, { bigint: true })), path)
  const handle = await refusing(path, () => open(path, 'r'))
  try {
    const stats = await handle.stat({ bigint: true })
    assertRegular(stats, path)
    return {
      name,
      size: Number(stats.size),
      fingerprint: fingerprintOf(name, stats),
      version: versionOf(stats),
      piece: (offset, length) => ({
        read: (buffer) =>
          refusing(path, () => readFully(handle, buffer().subarray(0, length), offset)),
      }),
      currentVersion: () => versionAt(path),
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

function assertRegular(stats: BigIntStats, path: string): void {
  if (stats.isFile()) return
  const kind = stats.isDirectory() ? 'a directory' : 'not a regular file'
  throw new PartwayError('FILE_NOT_REGULAR', `${path} is ${kind}`)
}

function fingerprintOf(name: string, { size, mtimeNs }: BigIntStats): string {
  // A name cannot have a NUL, so no two files share a text.
  return createHash('sha256').update(`${name}\0${size}\0${mtimeNs}`).digest('base64url')
}

function versionOf({ size, mtimeNs, dev, ino }: BigIntStats): string {
  return `${size}:${mtimeNs}:${dev}:${ino}`
}

/** By path, not by handle: a file that was replaced by another is a changed file. */
async function versionAt(path: string): Promise<string> {
  try {
    return versionOf(await stat(path, { bigint: true }))
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return 'removed'
    throw new PartwayError('FILE_UNREADABLE', `${path} cannot be read: ${codeOf(error)}`, {
      cause: error,
    })
  }
}

/** One read takes less than 2 GiB. */
const LONGEST_READ = 1024 ** 3

async function readFully(
  handle: FileHandle,
  into: Uint8Array,
  offset: number,
): Promise<Uint8Array> {
  let filled = 0
  while (filled < into.length) {
    const length = Math.min(into.length - filled, LONGEST_READ)
    const { bytesRead } = await handle.read(into, filled, length, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return into.subarray(0, filled)
}

async function refusing<T>(path: string, access: () => Promise<T>): Promise<T> {
  try {
    return await access()
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new PartwayError('FILE_MISSING', `${path} does not exist`, { cause })
    }
    throw new PartwayError('FILE_UNREADABLE', `${path} cannot be read: ${code}`, { cause })
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
