import { type ChecksumMode, type Layout, MIB, partOffset, partSize } from '../protocol/index.js'
import { BufferPool } from './buffer-pool.js'
import type { PartLedger } from './part-ledger.js'
import type { Hasher, PartBody, PartBuffer } from './ports.js'
import type { StableFile } from './stable-file.js'
import { Turns } from './turns.js'

/** Parts that are made ready while others are sent, where they are sent from the file. */
const AHEAD = 16
/**
 * Parts of them that are read at a time, and in memory. Chromium passes a file on in pieces of 64 KiB; of four parts at
 * once they cost three quarters of the processor that they cost of two, and six are hardly better.
 */
const READING = 4
/** Where parts are large, so much of them is read at a time instead, but two of them in any case. */
const READING_BYTES = 32 * MIB

/** A part that is ready to be sent. */
export interface LoadedPart {
  readonly index: number
  /** Bytes. */
  readonly size: number
  readonly body: PartBody
  /** Base64, as S3 has it; absent with `none`. */
  readonly checksum: string | undefined
  /** The checksum; in the mode `none` the MD5, where that was asked for. */
  readonly hash: string | undefined
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
  readonly #turns: Turns
  readonly pool: BufferPool
  /** So many parts can be made ready ahead of need without their bytes being in memory until they are sent. */
  readonly ahead: number

  constructor(options: PartLoaderOptions) {
    this.#options = options
    const { file, layout } = options
    const reading = Math.min(READING, Math.max(2, Math.floor(READING_BYTES / layout.chunkSize)))
    this.#turns = new Turns(() => reading)
    this.pool = new BufferPool(Math.min(layout.chunkSize, layout.size))
    this.ahead = file.piece(0, 1).body === undefined ? 0 : AHEAD
  }

  /**
   * The part, perhaps in `buffer`; with its MD5, if `isCompared` and the mode has no checksum. Throws
   * `FILE_CHANGED` or `FILE_UNREADABLE`.
   */
  load(index: number, buffer: PartBuffer, isCompared = false): Promise<LoadedPart> {
    const { file, layout, mode, hasher, ledger } = this.#options
    const [offset, size] = [partOffset(layout, index), partSize(layout, index)]
    const { body, read } = file.piece(offset, size)
    const kind = mode === 'none' && isCompared ? 'md5' : mode
    const loaded = (from: PartBody, hash: string | undefined): LoadedPart => {
      const checksum = mode === 'none' ? undefined : hash
      if (checksum !== undefined && !ledger.learn(index, checksum)) throw file.changed()
      return { index, size, body: from, checksum, hash }
    }
    const load = async (into: PartBuffer): Promise<LoadedPart> => {
      const bytes = await read(into)
      return loaded(body ?? bytes, kind === 'none' ? undefined : await hasher.hash(kind, bytes))
    }
    if (body === undefined) return load(buffer)
    if (kind === 'none') return Promise.resolve(loaded(body, undefined))
    return this.#turns.take(async () => {
      const hash = await hasher.hashPiece?.(kind, body)
      // The bytes of a piece are needed no longer than it takes to hash them.
      return hash === undefined ? this.pool.lend(load) : loaded(body, hash)
    })
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
