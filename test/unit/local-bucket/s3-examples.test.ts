import { describe, expect, it } from 'vitest'
import { authenticate } from '../../../src/local-bucket/sigv4/authenticate.js'
import { decodeChunked } from '../../../src/local-bucket/sigv4/chunked-payload.js'
import type { Proven } from '../../../src/local-bucket/sigv4/verify.js'
import { parseRaw } from './raw-request.js'

/**
 * The worked examples of the S3 API Reference:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html,
 * …/sigv4-query-string-auth.html, …/sigv4-streaming.html and …/sigv4-streaming-trailers.html
 */
const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const NOW = Date.UTC(2013, 4, 24)
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

interface Example {
  readonly start: string
  readonly headers: readonly string[]
  readonly signature: string
}

const HOST = 'host:examplebucket.s3.amazonaws.com'
const DATE = 'x-amz-date:20130524T000000Z'

const EXAMPLES: Record<string, Example> = {
  'GET Object with a range': {
    start: 'GET /test.txt',
    headers: [HOST, 'range:bytes=0-9', `x-amz-content-sha256:${EMPTY}`, DATE],
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  'PUT Object': {
    start: 'PUT /test%24file.text',
    headers: [
      'date:Fri, 24 May 2013 00:00:00 GMT',
      HOST,
      'x-amz-content-sha256:44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      DATE,
      'x-amz-storage-class:REDUCED_REDUNDANCY',
    ],
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  'GET Bucket Lifecycle': {
    start: 'GET /?lifecycle',
    headers: [HOST, `x-amz-content-sha256:${EMPTY}`, DATE],
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  'GET Bucket (List Objects)': {
    start: 'GET /?max-keys=2&prefix=J',
    headers: [HOST, `x-amz-content-sha256:${EMPTY}`, DATE],
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
  'chunked upload': {
    start: 'PUT /examplebucket/chunkObject.txt',
    headers: [
      'content-encoding:aws-chunked',
      'content-length:66824',
      'host:s3.amazonaws.com',
      'x-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      DATE,
      'x-amz-decoded-content-length:66560',
      'x-amz-storage-class:REDUCED_REDUNDANCY',
    ],
    signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  },
  'chunked upload with a trailer': {
    start: 'PUT /examplebucket/chunkObject.txt',
    headers: [
      'content-encoding:aws-chunked',
      'host:s3.amazonaws.com',
      'x-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      DATE,
      'x-amz-decoded-content-length:66560',
      'x-amz-storage-class:REDUCED_REDUNDANCY',
      'x-amz-trailer:x-amz-checksum-crc32c',
    ],
    signature: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
  },
}

function verify(example: Example, { now = NOW, start = example.start } = {}): Proven {
  const names = example.headers.map((header) => header.slice(0, header.indexOf(':'))).sort()
  const authorization = `authorization:AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${names.join(';')},Signature=${example.signature}`
  const text = [`${start} HTTP/1.1`, ...example.headers, authorization].join('\n')
  const verifier = { credentials: CREDENTIALS, region: 'us-east-1', clock: { now: () => now } }
  return authenticate(parseRaw(text), verifier)
}

function example(name: string): Example {
  const found = EXAMPLES[name]
  if (found === undefined) throw new Error(`no example ${name}`)
  return found
}

describe('the examples of signatures in the header', () => {
  it.each(Object.keys(EXAMPLES))('%s', (name) => {
    expect(verify(example(name)).signature).toBe(example(name).signature)
  })

  it('are refused 16 minutes later', () => {
    const late = { now: NOW + 16 * 60_000 }
    expect(() => verify(example('PUT Object'), late)).toThrow(/difference between/)
  })

  it('are refused for another key', () => {
    const other = { start: 'PUT /test$file.txt' }
    expect(() => verify(example('PUT Object'), other)).toThrow(/does not match/)
  })
})

describe('the example of a presigned URL', () => {
  const URL_PATH =
    '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
  const request = (path = URL_PATH, ...headers: string[]) =>
    parseRaw([`GET ${path} HTTP/1.1`, HOST, ...headers].join('\n'))
  const at = (now: number) => ({
    credentials: CREDENTIALS,
    region: 'us-east-1',
    clock: { now: () => now },
  })
  const DAY = 86_400_000

  it('is good from its date to its end', () => {
    const { payloadHash } = authenticate(request(), at(NOW))
    expect(payloadHash).toBe('UNSIGNED-PAYLOAD')
    expect(authenticate(request(), at(NOW + DAY)).payloadHash).toBe(payloadHash)
  })

  it('has expired a moment later', () => {
    expect(() => authenticate(request(), at(NOW + DAY + 1))).toThrow('Request has expired')
  })

  it('is not good long before its date', () => {
    expect(() => authenticate(request(), at(NOW - 16 * 60_000))).toThrow('not valid yet')
  })

  it('cannot be made to last longer', () => {
    const longer = request(URL_PATH.replace('86400', '86401'))
    expect(() => authenticate(longer, at(NOW))).toThrow(/does not match/)
    const tooLong = request(URL_PATH.replace('86400', '604801'))
    expect(() => authenticate(tooLong, at(NOW))).toThrow('X-Amz-Expires')
  })

  it('admits no x-amz- header that was not signed', () => {
    const more = request(URL_PATH, 'x-amz-acl:public-read')
    expect(() => authenticate(more, at(NOW))).toThrow('not signed: x-amz-acl')
  })
})

describe('the examples of chunked uploads', () => {
  const DATA = Buffer.alloc(66_560, 'a')
  const SIGNATURES = [
    'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
    '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
    'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
  ]
  const TRAILER_SIGNATURES = [
    'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
    '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
    '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
  ]
  const TRAILER =
    'x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n'

  function chunked(signatures: readonly string[], trailer = '', data = DATA): Buffer {
    const chunks = [data.subarray(0, 65_536), data.subarray(65_536), Buffer.alloc(0)]
    const pieces = chunks.flatMap((chunk, i) => {
      const header = `${chunk.length.toString(16)};chunk-signature=${signatures[i]}\r\n`
      return [Buffer.from(header), chunk, Buffer.from(chunk.length > 0 ? '\r\n' : '')]
    })
    return Buffer.concat([...pieces, Buffer.from(`${trailer}\r\n`)])
  }

  async function* inPieces(bytes: Buffer, size: number) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }

  async function decoded(name: string, bytes: Buffer, size = 1_000) {
    const trailers: string[] = []
    const data: Uint8Array[] = []
    const pieces = decodeChunked(inPieces(bytes, size), {
      seed: verify(example(name)),
      hasTrailer: name.endsWith('trailer'),
      onTrailer: (...line) => trailers.push(line.join(':')),
    })
    for await (const piece of pieces) data.push(piece)
    return { data: Buffer.concat(data), trailers }
  }

  it.each([1, 7, 1_000, 65_536, 100_000])('are decoded from pieces of %d bytes', async (size) => {
    const { data } = await decoded('chunked upload', chunked(SIGNATURES), size)
    expect(data.equals(DATA)).toBe(true)
  })

  it('are decoded with the trailer', async () => {
    const body = chunked(TRAILER_SIGNATURES, TRAILER)
    const { data, trailers } = await decoded('chunked upload with a trailer', body)
    expect(data.equals(DATA)).toBe(true)
    expect(trailers).toEqual(['x-amz-checksum-crc32c:sOO8/Q=='])
  })

  it('are refused with another byte in a chunk', async () => {
    const other = Buffer.from(DATA)
    other[66_000] = 0
    const body = chunked(SIGNATURES, '', other)
    await expect(decoded('chunked upload', body)).rejects.toThrow('signature of a chunk')
  })

  it('are refused without the last chunk', async () => {
    const body = chunked(SIGNATURES)
    const cut = body.subarray(0, body.lastIndexOf('0;chunk'))
    await expect(decoded('chunked upload', cut)).rejects.toThrow('ended before')
  })

  it('are refused with another trailer', async () => {
    const body = chunked(TRAILER_SIGNATURES, TRAILER.replace('sOO8', 'sOO9'))
    const attempt = decoded('chunked upload with a trailer', body)
    await expect(attempt).rejects.toThrow('signature of a chunk')
  })
})
