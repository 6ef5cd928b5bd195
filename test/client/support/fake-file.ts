import { randomBytes } from 'node:crypto'
import type { FilePiece, FileSource, PartBuffer } from '../../../src/client/ports.js'

/** A file in memory that counts how it is read and can be changed. */
export class FakeFile implements FileSource {
  readonly name = 'film.mkv'
  readonly fingerprint = 'the-same-file'
  readonly version = 'v1'
  readonly size: number
  bytes: Buffer
  /** What `currentVersion` says. */
  present = 'v1'
  /** Offsets, in the order of reading. */
  readonly reads: number[] = []
  readonly buffers = new Set<ArrayBufferLike>()
  /** Called before each read. */
  onRead: (offset: number) => void = () => {}

  constructor(size: number) {
    this.size = size
    this.bytes = randomBytes(size)
  }

  piece(offset: number, length: number): FilePiece {
    return { read: (buffer) => this.#read(offset, length, buffer) }
  }

  async #read(offset: number, length: number, buffer: PartBuffer): Promise<Uint8Array> {
    this.onRead(offset)
    this.reads.push(offset)
    const into = buffer().subarray(0, length)
    this.buffers.add(into.buffer)
    return into.subarray(0, this.bytes.copy(into, 0, offset, offset + length))
  }

  async currentVersion(): Promise<string> {
    return this.present
  }
}
