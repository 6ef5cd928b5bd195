import type { ChecksumMode, Layout, UploadedPart } from '../protocol/index.js'

/** Parts that an earlier page sent, by the checksums of what it read from the file then. */
export interface RecordedParts {
  readonly chunkSize: number
  readonly mode: ChecksumMode
  readonly checksums: ReadonlyMap<number, string>
}

/** A part that the bucket holds: it answered with this ETag to bytes of this checksum. */
export interface ProvenPart {
  readonly index: number
  readonly etag: string
  readonly checksum: string | undefined
}

export interface PartLedgerOptions {
  readonly recorded?: RecordedParts
  readonly onProven?: (part: ProvenPart) => void
}

/**
 * What is known of the parts of one opened file. It outlives a pause, so that nothing is read and hashed
 * again only because the upload was stopped in between.
 */
export class PartLedger {
  readonly #options: PartLedgerOptions
  readonly #checksums = new Map<number, string>()
  readonly #proven = new Map<number, ProvenPart>()
  #layout: Layout | undefined
  #mode: ChecksumMode | undefined

  constructor(options: PartLedgerOptions = {}) {
    this.#options = options
  }

  /** What was known of parts that were cut or hashed otherwise is of no use. */
  open(layout: Layout, mode: ChecksumMode): void {
    if (this.#layout?.chunkSize !== layout.chunkSize || this.#mode !== mode) {
      this.#checksums.clear()
      this.#proven.clear()
    }
    this.#layout = layout
    this.#mode = mode
  }

  /** `false` when an earlier page read other bytes there: then it is not the same file any more. */
  learn(index: number, checksum: string): boolean {
    const { recorded } = this.#options
    this.#checksums.set(index, checksum)
    if (recorded?.chunkSize !== this.#layout?.chunkSize || recorded?.mode !== this.#mode)
      return true
    return (recorded?.checksums.get(index) ?? checksum) === checksum
  }

  prove(part: ProvenPart): void {
    this.#proven.set(part.index, part)
    this.#options.onProven?.(part)
  }

  /** The bucket does not have the part after all. */
  disprove(index: number): void {
    this.#proven.delete(index)
  }

  /** Whether what the bucket says it holds is what it was seen to take from here. */
  isProven({ index, etag, checksum }: UploadedPart): boolean {
    const proven = this.#proven.get(index)
    if (proven === undefined || unquoted(proven.etag) !== unquoted(etag)) return false
    return checksum === undefined || checksum === proven.checksum
  }

  /** The checksum of a part, once it is known. */
  checksumOf(index: number): string | undefined {
    return this.#checksums.get(index)
  }
}

function unquoted(etag: string): string {
  return etag.replaceAll('"', '')
}
