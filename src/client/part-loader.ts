import { type ChecksumMode, type Layout, partOffset, partSize } from '../protocol/index.js'
import type { Hasher } from './ports.js'
import type { StableFile } from './stable-file.js'

/** A part whose bytes are in memory. */
export interface LoadedPart {
  readonly index: number
  readonly bytes: Uint8Array
  /** Base64, as S3 has it; absent with `none`. */
  readonly checksum: string | undefined
}

/** Reads parts and computes their checksums, which it keeps: the object's digest is made of them. */
export class PartLoader {
  readonly #file: StableFile
  readonly #layout: Layout
  readonly #mode: ChecksumMode
  readonly #hasher: Hasher
  readonly #checksums = new Map<number, string>()

  constructor(file: StableFile, layout: Layout, mode: ChecksumMode, hasher: Hasher) {
    this.#file = file
    this.#layout = layout
    this.#mode = mode
    this.#hasher = hasher
  }

  /** The part, in the beginning of `buffer`. Throws `FILE_CHANGED` or `FILE_UNREADABLE`. */
  async load(index: number, buffer: Uint8Array): Promise<LoadedPart> {
    const bytes = buffer.subarray(0, partSize(this.#layout, index))
    await this.#file.read(bytes, partOffset(this.#layout, index))
    if (this.#mode === 'none') return { index, bytes, checksum: undefined }
    const checksum = await this.#hasher.hash(this.#mode, bytes)
    this.#checksums.set(index, checksum)
    return { index, bytes, checksum }
  }

  /** The checksums of all parts in order, once every part has been loaded. */
  checksums(): { readonly checksum: string; readonly size: number }[] | undefined {
    const { totalChunks } = this.#layout
    if (this.#checksums.size < totalChunks) return undefined
    return Array.from({ length: totalChunks }, (_, i) => ({
      checksum: this.#checksums.get(i + 1) ?? '',
      size: partSize(this.#layout, i + 1),
    }))
  }
}
