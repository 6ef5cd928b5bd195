import { PartwayError } from './partway-error.js'
import type { FilePiece, FileSource } from './ports.js'

/**
 * A file that must stay what it was when it was opened: an object made of two versions of it would be
 * neither. Every read is followed by a look at the version, so a part is only sent when nothing had
 * changed by the time its bytes were in memory.
 */
export class StableFile {
  readonly #source: FileSource

  constructor(source: FileSource) {
    this.#source = source
  }

  get size(): number {
    return this.#source.size
  }

  /** `length` bytes from `offset`. Reading them throws `FILE_CHANGED` or `FILE_UNREADABLE`. */
  piece(offset: number, length: number): FilePiece {
    const { body, read } = this.#source.piece(offset, length)
    return {
      body,
      read: async (buffer) => {
        const bytes = await read(buffer)
        if (bytes.length < length) throw this.changed()
        // Of a piece, the browser itself looks at that whenever it reads (https://w3c.github.io/FileAPI/#file-error-read).
        if (body === undefined) await this.assertUnchanged()
        return bytes
      },
    }
  }

  async assertUnchanged(): Promise<void> {
    if ((await this.#source.currentVersion()) !== this.#source.version) throw this.changed()
  }

  changed(): PartwayError {
    return new PartwayError(
      'FILE_CHANGED',
      `${this.#source.name} was changed, replaced or removed while it was being uploaded; ` +
        'nothing was completed. Start again when it is at rest.',
    )
  }
}
