/**
 * A body of `aws-chunked` encoding whose checksum follows it, for bytes whose checksum is known only when they
 * have passed (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html). Chunks are of one
 * size, so that the length of the whole is known beforehand.
 *
 * Not the SDK's own: that one hashes once more, and the error of a stream that breaks off ends the process.
 */

/** AWS takes no chunk below 8 KiB but the last. */
const CHUNK = 64 * 1024

export interface Trailer {
  /** In lower case. */
  readonly name: string
  /** In bytes. */
  readonly valueLength: number
  /** Asked for when all bytes have passed. */
  readonly value: () => string
}

export function chunkedLength(size: number, { name, valueLength }: Trailer): number {
  const rest = size % CHUNK
  const whole = ((size - rest) / CHUNK) * framed(CHUNK)
  const end = '0\r\n'.length + name.length + ':\r\n\r\n'.length + valueLength
  return whole + (rest === 0 ? 0 : framed(rest)) + end
}

function framed(size: number): number {
  return size.toString(16).length + size + '\r\n\r\n'.length
}

export async function* chunkedBody(
  bytes: AsyncIterable<Uint8Array>,
  { name, value }: Trailer,
): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = []
  let length = 0
  for await (const piece of bytes) {
    for (let start = 0; start < piece.length; ) {
      const taken = piece.subarray(start, start + CHUNK - length)
      waiting.push(taken)
      length += taken.length
      start += taken.length
      if (length < CHUNK) continue
      yield frame(waiting, length)
      waiting = []
      length = 0
    }
  }
  const last = length === 0 ? [] : [frame(waiting, length)]
  yield Buffer.concat([...last, Buffer.from(`0\r\n${name}:${value()}\r\n\r\n`)])
}

function frame(pieces: readonly Uint8Array[], length: number): Uint8Array {
  return Buffer.concat([Buffer.from(`${length.toString(16)}\r\n`), ...pieces, Buffer.from('\r\n')])
}
