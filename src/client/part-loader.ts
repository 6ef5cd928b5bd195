import { type ChecksumMode, type Layout, partOffset, partSize } from '../protocol/index.js'
import type { PartLedger } from './part-ledger.js'
import type { Hasher } from './ports.js'
import type { StableFile } from './stable-file.js'

/** A part whose bytes are in memory. */
export interface LoadedPart {
  readonly index: number
  readonly bytes: Uint8Array
  /** Base64, as S3 has it; absent with `none`. */
  readonly checksum: string | undefined
}

export interface PartLoaderOptions {
  readonly file: StableFile
  readonly layout: Layout
  readonly mode: ChecksumMode
  readonly hasher: Hasher
  readonly ledger: PartLedger
}

/** Reads parts and computes their checksums, which the ledger keeps: the object's digest is made of them. */
export class PartLoader {
  readonly #options: PartLoaderOptions

  constructor(options: PartLoaderOptions) {
    this.#options = options
  }

  /** The part, perhaps in `buffer`. Throws `FILE_CHANGED` or `FILE_UNREADABLE`. */
  async load(index: number, buffer: () => Uint8Array): Promise<LoadedPart> {
    const { file, layout, mode, hasher, ledger } = this.#options
    const bytes = await file.read(partOffset(layout, index), partSize(layout, index), buffer)
    if (mode === 'none') return { index, bytes, checksum: undefined }
    const checksum = await hasher.hash(mode, bytes)
    if (!ledger.learn(index, checksum)) throw file.changed()
    return { index, bytes, checksum }
  }

  /** The checksums of all parts in order, once every part has been loaded. */
  checksums(): { readonly checksum: string; readonly size: number }[] | undefined {
    const { layout, ledger } = this.#options
    const all = Array.from({ length: layout.totalChunks }, (_, i) => {
      const checksum = ledger.checksumOf(i + 1)
      return checksum === undefined ? [] : [{ checksum, size: partSize(layout, i + 1) }]
    }).flat()
    return all.length < layout.totalChunks ? undefined : all
  }
}
