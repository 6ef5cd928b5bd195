import { createHash, type Hash } from 'node:crypto'
import { S3Error } from '../s3-error.js'
import { ByteReader } from './byte-reader.js'
import { ALGORITHM, isSameSignature, scopeText, sha256Hex, sign } from './signature.js'
import type { Proven } from './verify.js'

export interface ChunkedOptions {
  /** The signature that those of the chunks continue; absent when they have none. */
  readonly seed?: Proven
  readonly hasTrailer: boolean
  /** Is told the headers that follow the last chunk. */
  readonly onTrailer?: (name: string, value: string) => void
}

const EMPTY_HASH = sha256Hex('')
/** Of a chunk's header or a trailing header, in bytes. */
const MAX_LINE = 4_096
const MAX_TRAILERS = 20

/**
 * The data within a body of `aws-chunked` encoding, as it comes. A chunk's signature follows from its bytes,
 * so a wrong one is told only after they were handed on: nothing may count before the end is reached.
 */
export async function* decodeChunked(
  source: AsyncIterable<Uint8Array>,
  options: ChunkedOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ByteReader(source)
  const chain = options.seed === undefined ? undefined : new SignatureChain(options.seed)
  try {
    yield* readChunks(reader, chain)
    await readTrailer(reader, options, chain)
  } finally {
    await reader.end()
  }
}

async function* readChunks(
  reader: ByteReader,
  chain: SignatureChain | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const { size, signature } = parseChunkHeader(await reader.line(MAX_LINE))
    const hash = chain === undefined ? undefined : createHash('sha256')
    for await (const bytes of reader.take(size)) {
      hash?.update(bytes)
      yield bytes
    }
    if (chain !== undefined && hash !== undefined) chain.checkChunk(hash, signature)
    if (size === 0) return
    await expectEmptyLine(reader)
  }
}

async function readTrailer(
  reader: ByteReader,
  { hasTrailer, onTrailer }: ChunkedOptions,
  chain: SignatureChain | undefined,
): Promise<void> {
  let signed = ''
  let signature = ''
  for (let count = 0; count < MAX_TRAILERS; count++) {
    const line = await reader.lineOrEnd(MAX_LINE)
    if (line === '') break
    const at = line.indexOf(':')
    if (!hasTrailer || at < 1) throw incomplete('an unexpected line after the last chunk')
    const [name, value] = [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]
    if (name === 'x-amz-trailer-signature') {
      signature = value
    } else {
      signed += `${name}:${value}\n`
      onTrailer?.(name, value)
    }
  }
  if (hasTrailer) chain?.checkTrailer(signed, signature)
}

/** Each signature covers the one before, so no chunk can be left out, added or moved. */
class SignatureChain {
  readonly #seed: Proven
  #previous: string

  constructor(seed: Proven) {
    this.#seed = seed
    this.#previous = seed.signature
  }

  checkChunk(hash: Hash, signature: string): void {
    this.#check(`${ALGORITHM}-PAYLOAD`, `${EMPTY_HASH}\n${hash.digest('hex')}`, signature)
  }

  checkTrailer(trailer: string, signature: string): void {
    this.#check(`${ALGORITHM}-TRAILER`, sha256Hex(trailer), signature)
  }

  #check(kind: string, hashes: string, signature: string): void {
    const { key, scope, time } = this.#seed
    const expected = sign(key, [kind, time, scopeText(scope), this.#previous, hashes].join('\n'))
    if (!isSameSignature(expected, signature)) {
      throw new S3Error(
        'SignatureDoesNotMatch',
        'The signature of a chunk does not match its bytes',
      )
    }
    this.#previous = expected
  }
}

const CHUNK_HEADER = /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/i

function parseChunkHeader(line: string): { readonly size: number; readonly signature: string } {
  const [, size, signature = ''] = CHUNK_HEADER.exec(line) ?? []
  if (size === undefined) throw incomplete('a chunk does not begin with its size')
  return { size: Number.parseInt(size, 16), signature }
}

async function expectEmptyLine(reader: ByteReader): Promise<void> {
  if ((await reader.line(MAX_LINE)) !== '') throw incomplete('a chunk is longer than its size')
}

function incomplete(problem: string): S3Error {
  return new S3Error('IncompleteBody', `The aws-chunked body is not well-formed: ${problem}`)
}
