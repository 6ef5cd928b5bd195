export interface ReadLine {
  /** Without its end. */
  readonly bytes: Buffer
  /** It has an end; only the last one may have none. */
  readonly isWhole: boolean
}

const NEWLINE = 0x0a

/** The lines, cut at `\n` and nowhere else, byte for byte. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<ReadLine> {
  let pieces: Buffer[] = []
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield { bytes: Buffer.concat([...pieces, chunk.subarray(start, end)]), isWhole: true }
      pieces = []
      start = end + 1
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start))
  }
  if (pieces.length > 0) yield { bytes: Buffer.concat(pieces), isWhole: false }
}
