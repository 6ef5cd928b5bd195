import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chunkedBody, chunkedLength } from '../../../src/bucket/chunked-body.js'
import { decodeChunked } from '../../../src/local-bucket/sigv4/chunked-payload.js'

const CHUNK = 64 * 1024
const trailer = { name: 'x-amz-checksum-crc32', valueLength: 8, value: () => 'AAAAAA==' }

async function* piecesOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const size of sizes) {
    yield bytes.subarray(at, at + size)
    at += size
  }
  yield bytes.subarray(at)
}

const size = fc.oneof(
  fc.integer({ min: 1, max: 200_000 }),
  fc.constantFrom(CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK),
)

it('is as long as it says, and has the bytes and the checksum, however they come', async () => {
  await fc.assert(
    fc.asyncProperty(
      size,
      fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 6 }),
      async (length, sizes) => {
        const bytes = Buffer.alloc(length, 'bytes of a part ')
        const body = await buffer(chunkedBody(piecesOf(bytes, sizes), trailer))
        expect(body.length).toBe(chunkedLength(length, trailer))
        const trailers: [string, string][] = []
        async function* source() {
          yield body
        }
        const options = {
          hasTrailer: true,
          onTrailer: (name: string, value: string) => void trailers.push([name, value]),
        }
        const decoded = await buffer(decodeChunked(source(), options))
        expect(decoded.equals(bytes)).toBe(true)
        expect(trailers).toEqual([['x-amz-checksum-crc32', 'AAAAAA==']])
      },
    ),
    { numRuns: 60 },
  )
})
