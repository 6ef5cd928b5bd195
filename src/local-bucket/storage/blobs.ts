import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Segment } from './records.js'

export interface ByteRange {
  /** The first byte. */
  readonly start: number
  /** The last byte, included. */
  readonly end: number
}

/** Bytes of one or more files, one after the other. */
export interface Reading {
  readonly bytes: AsyncIterable<Uint8Array>
  /** Must be called once nothing more is read. */
  end(): Promise<void>
}

const WRITE_BUFFER_BYTES = 1024 * 1024
const READ_BUFFER_BYTES = 256 * 1024

/**
 * Files of bytes, each written once under a name that nobody had before. A file counts from when the
 * catalogue names it, so one that was being written when the process died is only a leftover.
 */
export class Blobs {
  readonly #folder: string
  readonly #newName: () => string
  readonly #readers = new Map<string, number>()
  readonly #doomed = new Set<string>()

  private constructor(folder: string, newName: () => string) {
    this.#folder = folder
    this.#newName = newName
  }

  /** Opens `folder`, and removes from it every file but those of `keep`. */
  static async open(folder: string, newName: () => string, keep: Set<string>): Promise<Blobs> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(folder)) {
      if (!keep.has(name)) await rm(join(folder, name), { recursive: true })
    }
    return new Blobs(folder, newName)
  }

  /** Resolves to the name of the file when all bytes are on disk. Leaves nothing if that fails. */
  async write(source: AsyncIterable<Uint8Array>): Promise<string> {
    const name = this.#newName()
    const path = this.#path(name)
    const options = { flags: 'wx', mode: 0o600, flush: true, highWaterMark: WRITE_BUFFER_BYTES }
    try {
      await pipeline(source, createWriteStream(path, options))
      await this.#syncFolder()
      return name
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
  }

  /** Runs the step that makes files count. When it is refused they are removed. */
  async keptBy<T>(names: readonly string[], step: () => T): Promise<T> {
    try {
      return step()
    } catch (error) {
      await this.remove(names)
      throw error
    }
  }

  /** Removes files that nothing refers to any more; one that is being read, when that has ended. */
  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (this.#readers.has(name)) this.#doomed.add(name)
      else await rm(this.#path(name), { force: true })
    }
  }

  /** Until its `end` the bytes stay there, whatever is removed. */
  read(segments: readonly Segment[], range: ByteRange): Reading {
    const pieces = piecesOf(segments, range)
    for (const { blob } of pieces) this.#readers.set(blob, (this.#readers.get(blob) ?? 0) + 1)
    return {
      bytes: this.#readPieces(pieces),
      end: () => this.#release(pieces.splice(0).map(({ blob }) => blob)),
    }
  }

  async *#readPieces(pieces: readonly Piece[]): AsyncGenerator<Buffer, void, undefined> {
    for (const { blob, start, end } of pieces) {
      const options = { start, end, highWaterMark: READ_BUFFER_BYTES }
      yield* createReadStream(this.#path(blob), options)
    }
  }

  async #release(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const left = (this.#readers.get(name) ?? 1) - 1
      if (left > 0) {
        this.#readers.set(name, left)
      } else {
        this.#readers.delete(name)
        if (this.#doomed.delete(name)) await rm(this.#path(name), { force: true })
      }
    }
  }

  /** Otherwise the name of a file may be lost, though its bytes are on disk. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder)
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

interface Piece extends ByteRange {
  readonly blob: string
}

function piecesOf(segments: readonly Segment[], { start, end }: ByteRange): Piece[] {
  const pieces: Piece[] = []
  let offset = 0
  for (const { blob, size } of segments) {
    const first = Math.max(start - offset, 0)
    const last = Math.min(end - offset, size - 1)
    if (first <= last) pieces.push({ blob, start: first, end: last })
    offset += size
  }
  return pieces
}
