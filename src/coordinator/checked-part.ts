import { createPartHasher, type PartHasher } from '../checksum/node.js'
import type { ChecksumMode } from '../protocol/index.js'
import { hashAlgorithm } from './file-hash.js'
import { fieldRefusal } from './upload-error.js'

export interface ExpectedPart {
  readonly size: number
  /** Of the upload. */
  readonly checksum: ChecksumMode
  /** In lower-case hex. */
  readonly contentHash: string
}

/** The bytes of one part on their way, and what is found out about them. To be read once. */
export class CheckedPart {
  readonly #expected: ExpectedPart
  readonly #content: PartHasher
  readonly #ofMode: PartHasher | undefined
  /** The checksum in the upload's mode. Absent in mode `none`, and where it is known only once all bytes are. */
  #checksum: string | undefined
  #failure: { readonly error: unknown } | undefined

  private constructor(
    expected: ExpectedPart,
    content: PartHasher,
    ofMode: PartHasher | 'the same' | undefined,
  ) {
    this.#expected = expected
    this.#content = content
    if (ofMode === 'the same') this.#checksum = base64Of(expected.contentHash)
    else this.#ofMode = ofMode
  }

  static async expecting(expected: ExpectedPart): Promise<CheckedPart> {
    const { checksum } = expected
    const algorithm = hashAlgorithm(expected.contentHash)
    const content = await createPartHasher(algorithm)
    if (checksum === 'none') return new CheckedPart(expected, content, undefined)
    const ofMode = checksum === algorithm ? 'the same' : await createPartHasher(checksum)
    return new CheckedPart(expected, content, ofMode)
  }

  get checksum(): string | undefined {
    return this.#checksum
  }

  /** Why the bytes broke off, if it was not whoever reads them that stopped. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /**
   * The bytes as they come, but the last piece of them only when all are known to be right and `beforeLast` is
   * done: whoever is sent them has not got the whole part before.
   */
  async *bytes(
    source: AsyncIterable<Uint8Array>,
    beforeLast: () => Promise<void>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let held: Uint8Array | undefined
    try {
      let received = 0
      for await (const piece of source) {
        received += piece.length
        if (received > this.#expected.size) throw this.#wrongSize()
        this.#content.update(piece)
        this.#ofMode?.update(piece)
        if (held !== undefined) yield held
        held = piece
      }
      if (received !== this.#expected.size) throw this.#wrongSize()
      this.#compare()
      await beforeLast()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
    if (held !== undefined) yield held
  }

  #compare(): void {
    if (this.#content.digest() !== base64Of(this.#expected.contentHash)) {
      throw fieldRefusal('CHECKSUM_MISMATCH', 'content_hash', 'is not that of the bytes that came')
    }
    if (this.#ofMode !== undefined) this.#checksum = this.#ofMode.digest()
  }

  #wrongSize(): Error {
    return wrongSize(this.#expected.size)
  }
}

export function wrongSize(size: number): Error {
  return fieldRefusal('INVALID_REQUEST', 'file', `must have exactly ${size} bytes: the part has`)
}

function base64Of(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}
