import { S3Error } from '../s3-error.js'

const LF = 0x0a
const NOTHING = Buffer.alloc(0)

/** Reads lines and runs of bytes from a stream, keeping no more than one of its pieces. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Buffer = NOTHING

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** The next line without its CRLF. */
  async line(maxBytes: number): Promise<string> {
    const line = await this.#readLine(maxBytes)
    if (line === undefined) throw endedEarly()
    return line
  }

  /** As `line`; an end of the stream reads as an empty line. */
  async lineOrEnd(maxBytes: number): Promise<string> {
    return (await this.#readLine(maxBytes)) ?? ''
  }

  /** The next `size` bytes, in the pieces that they come in. */
  async *take(size: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) throw endedEarly()
      const bytes = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(bytes.length)
      left -= bytes.length
      yield bytes
    }
  }

  /** Takes no more from the source. */
  async end(): Promise<void> {
    await this.#source.return?.()
  }

  async #readLine(maxBytes: number): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(LF)
      if (end >= 0) {
        const line = this.#rest.toString('latin1', 0, end)
        this.#rest = this.#rest.subarray(end + 1)
        return line.endsWith('\r') ? line.slice(0, -1) : line
      }
      if (this.#rest.length > maxBytes) {
        throw new S3Error('IncompleteBody', 'The aws-chunked body has a line that is too long')
      }
      if (!(await this.#more())) return this.#rest.length === 0 ? undefined : this.#remainder()
    }
  }

  #remainder(): string {
    const text = this.#rest.toString('latin1')
    this.#rest = NOTHING
    return text
  }

  /** Whether there was more. */
  async #more(): Promise<boolean> {
    const next = await this.#source.next()
    if (next.done) return false
    const { buffer, byteOffset, byteLength } = next.value
    const bytes = Buffer.from(buffer, byteOffset, byteLength)
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    return true
  }
}

function endedEarly(): S3Error {
  return new S3Error('IncompleteBody', 'The body ended before all of it was there')
}
