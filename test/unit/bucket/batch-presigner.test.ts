import { S3Client, type S3ClientConfig, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { S3PartSigner } from '../../../src/bucket/index.js'
import type { PresignedPart, SignRequest } from '../../../src/coordinator/ports.js'
import { CHECKSUM_BYTES, CHECKSUM_MODES, type ChecksumMode } from '../../../src/protocol/index.js'
import { scriptedServer } from './scripted-server.js'

const NOON = Date.UTC(2016, 2, 14, 12)
const BUCKET = 'bucket-of-tests'

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfi' }

function clientOf(config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    region: 'us-east-1',
    credentials: CREDENTIALS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    ...config,
  })
}

function signerOf(client: S3Client, now = NOON, bucket = BUCKET): S3PartSigner {
  return new S3PartSigner({ client, bucket, clock: { now: () => now } })
}

const MEMBERS = {
  sha256: 'ChecksumSHA256',
  crc64nvme: 'ChecksumCRC64NVME',
  crc32c: 'ChecksumCRC32C',
  crc32: 'ChecksumCRC32',
  md5: 'ContentMD5',
} as const
const HEADERS = {
  sha256: 'x-amz-checksum-sha256',
  crc64nvme: 'x-amz-checksum-crc64nvme',
  crc32c: 'x-amz-checksum-crc32c',
  crc32: 'x-amz-checksum-crc32',
  md5: 'content-md5',
} as const

/** What the SDK itself signs, part by part, for the same instant. */
function signedBySdk(client: S3Client, request: SignRequest, now: number): Promise<string[]> {
  const mode = request.checksum
  return Promise.all(
    request.parts.map((part) => {
      const command = new UploadPartCommand({
        Bucket: BUCKET,
        Key: request.key,
        UploadId: request.multipartId,
        PartNumber: part.index,
        ContentLength: part.size,
        ...(mode !== 'none' && { [MEMBERS[mode]]: part.checksum }),
      })
      return getSignedUrl(client, command, {
        expiresIn: request.expiresInSeconds,
        signingDate: new Date(now),
        unhoistableHeaders: new Set(mode === 'none' ? [] : [HEADERS[mode]]),
      })
    }),
  )
}

function checksumOf(mode: ChecksumMode, byte = 7): string {
  return Buffer.alloc(CHECKSUM_BYTES[mode], byte).toString('base64')
}

function requestOf(count: number, mode: ChecksumMode = 'sha256'): SignRequest {
  const checksum = mode === 'none' ? {} : { checksum: checksumOf(mode) }
  const parts = Array.from({ length: count }, (_, i) => ({ index: i + 1, size: 8, ...checksum }))
  return { key: 'a/b', multipartId: 'm', checksum: mode, parts, expiresInSeconds: 900 }
}

const anyKey = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '/',
        '.',
        '..',
        ' ',
        '+',
        '%',
        '%2F',
        "'",
        '"',
        '?',
        '#',
        '&',
        '=',
        '*',
        '😀',
      ),
      { minLength: 1, maxLength: 12 },
    )
    .map((pieces) => pieces.join('')),
)

const anyEndpoint = fc.constantFrom<S3ClientConfig>(
  {},
  { forcePathStyle: true },
  { endpoint: 'http://127.0.0.1:9000', forcePathStyle: true },
  { endpoint: 'http://minio.example:9000' },
  { endpoint: 'http://[::1]:9000', forcePathStyle: true },
  { endpoint: 'https://files.example:443', forcePathStyle: true },
  { endpoint: 'https://files.example/behind/a/prefix', forcePathStyle: true },
  { useDualstackEndpoint: true },
  { useAccelerateEndpoint: true },
)

const anyCredentials = fc.record(
  {
    accessKeyId: fc.stringMatching(/^[A-Z0-9/+=.-]{3,20}$/),
    secretAccessKey: fc.string({ unit: 'binary', minLength: 1 }),
    sessionToken: fc.base64String({ minLength: 4, maxLength: 400 }),
  },
  { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
)

const anyInstant = fc.oneof(
  fc.integer({ min: Date.UTC(2015, 0), max: Date.UTC(2035, 0) }),
  fc.integer({ min: -1_500, max: 1_500 }).map((ms) => Date.UTC(2026, 11, 31, 24) + ms),
)

const anyRequest: fc.Arbitrary<SignRequest> = fc
  .constantFrom(...CHECKSUM_MODES)
  .chain((checksum) => {
    const bytes = CHECKSUM_BYTES[checksum]
    const part = fc.record({
      index: fc.integer({ min: 1, max: 10_000 }),
      size: fc.integer({ min: 1, max: 5 * 1024 ** 3 }),
      checksum: fc
        .uint8Array({ minLength: bytes, maxLength: bytes })
        .map((value) => Buffer.from(value).toString('base64')),
    })
    return fc.record({
      key: anyKey,
      multipartId: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 120 }),
      checksum: fc.constant(checksum),
      parts: fc.array(part, { minLength: 1, maxLength: 5 }),
      expiresInSeconds: fc.integer({ min: 1, max: 604_800 }),
    })
  })

describe('S3PartSigner', () => {
  it('signs every URL of a batch byte for byte as the SDK does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          request: anyRequest,
          endpoint: anyEndpoint,
          credentials: anyCredentials,
          region: fc.constantFrom('us-east-1', 'eu-central-1', 'cn-north-1', 'us-gov-west-1'),
          now: anyInstant,
        }),
        async ({ request, endpoint, credentials, region, now }) => {
          // There is no accelerated endpoint in the partitions of China and of the US government.
          const where = endpoint.useAccelerateEndpoint ? {} : { region }
          const client = clientOf({ ...where, ...endpoint, credentials })
          const signed = await signerOf(client, now).signParts(request)
          expect(signed.map((part) => part.url)).toEqual(await signedBySdk(client, request, now))
        },
      ),
      { numRuns: 400 },
    )
  }, 60_000)

  it('changes the signing key at midnight UTC', async () => {
    const midnight = Date.UTC(2026, 5, 2)
    let now = midnight - 1
    const client = clientOf()
    const signer = new S3PartSigner({ client, bucket: BUCKET, clock: { now: () => now } })
    for (now of [midnight - 1, midnight, midnight - 1]) {
      const urls = (await signer.signParts(requestOf(2))).map((part) => part.url)
      expect(urls).toEqual(await signedBySdk(client, requestOf(2), now))
    }
  })

  it('signs a whole batch with one set of credentials, though they rotate meanwhile', async () => {
    const { client, timesAsked } = rotatingClient()
    const signed = await signerOf(client).signParts(requestOf(600))
    expect(timesAsked()).toBeGreaterThan(1)
    expect(new Set(signed.map(accessKeyOf)).size).toBe(1)
  })

  it('signs the next batch with the credentials of then', async () => {
    const signer = signerOf(rotatingClient().client)
    const [before] = await signer.signParts(requestOf(1))
    const [after] = await signer.signParts(requestOf(1))
    expect(accessKeyOf(after)).not.toBe(accessKeyOf(before))
  })

  it.each(CHECKSUM_MODES)('tells the client which header to send in mode %s', async (mode) => {
    const [part] = await signerOf(clientOf()).signParts(requestOf(1, mode))
    expect(part?.headers).toEqual(mode === 'none' ? {} : { [HEADERS[mode]]: checksumOf(mode) })
    const signedHeaders = new URL(part?.url ?? '').searchParams.get('X-Amz-SignedHeaders')
    const expected = ['content-length', 'host', ...Object.keys(part?.headers ?? {})].sort()
    expect(signedHeaders?.split(';')).toEqual(expected)
  })

  it('keeps the order, the index and the size of what was asked for', async () => {
    const parts = [
      { index: 9, size: 5, checksum: checksumOf('sha256') },
      { index: 2, size: 7, checksum: checksumOf('sha256', 1) },
    ]
    const signed = await signerOf(clientOf()).signParts({ ...requestOf(0), parts })
    expect(signed.map(({ index, size, expiresIn }) => ({ index, size, expiresIn }))).toEqual([
      { index: 9, size: 5, expiresIn: 900 },
      { index: 2, size: 7, expiresIn: 900 },
    ])
  })

  it('signs nothing when nothing is asked for', async () => {
    expect(await signerOf(clientOf()).signParts(requestOf(0))).toEqual([])
  })

  it('refuses to sign a part without its checksum, wherever in the batch it is', async () => {
    const request = requestOf(3)
    const parts = request.parts.map((part) => (part.index === 3 ? { index: 3, size: 8 } : part))
    await expect(signerOf(clientOf()).signParts({ ...request, parts })).rejects.toThrow(/Part 3/)
  })

  it.each([0, -1, 1.5, 604_801, Number.NaN])(
    'refuses a lifetime of %s seconds',
    async (seconds) => {
      const request = { ...requestOf(1), expiresInSeconds: seconds }
      await expect(signerOf(clientOf()).signParts(request)).rejects.toThrow(RangeError)
    },
  )

  it('lets no URL outlive the credentials less a minute', async () => {
    const signed = await signerOf(endingClient(90)).signParts(requestOf(2))
    expect(signed.map((part) => part.expiresIn)).toEqual([30, 30])
    expect(new URL(signed[1]?.url ?? '').searchParams.get('X-Amz-Expires')).toBe('30')
  })

  it('keeps the lifetime asked for when the credentials last longer', async () => {
    const [part] = await signerOf(endingClient(961)).signParts(requestOf(1))
    expect(part?.expiresIn).toBe(900)
  })

  it.each([60.9, 60, 10, -5])('refuses credentials with %s s left', async (seconds) => {
    await expect(signerOf(endingClient(seconds)).signParts(requestOf(1))).rejects.toThrow(
      /credentials/,
    )
  })

  it('is an error, not a wrong URL, for a bucket whose URLs are signed in another way', async () => {
    const session = `<CreateSessionResult><Credentials><AccessKeyId>SESSION</AccessKeyId>
      <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
      <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>`
    const server = await scriptedServer([{ status: 200, body: session }])
    const client = clientOf({ endpoint: server.url, forcePathStyle: true })
    try {
      const signer = signerOf(client, NOON, 'bucket--use1-az4--x-s3')
      await expect(signer.signParts(requestOf(1))).rejects.toThrow(/plain AWS Signature Version 4/)
    } finally {
      await server.stop()
    }
  })

  it('gives the event loop back throughout a long batch', async () => {
    const signer = signerOf(clientOf())
    let turns = 0
    let running = true
    const count = () => {
      turns += 1
      if (running) setImmediate(count)
    }
    setImmediate(count)
    await signer.signParts(requestOf(10_000, 'none'))
    running = false
    expect(turns).toBeGreaterThanOrEqual(19)
  })
})

/** A client whose credentials end `seconds` after {@link NOON}. */
function endingClient(seconds: number): S3Client {
  const expiration = new Date(NOON + seconds * 1000)
  return clientOf({
    credentials: async () => ({ ...CREDENTIALS, sessionToken: 'token', expiration }),
  })
}

/** A client that has other credentials at every look: {@link NOON} is past, so none is kept. */
function rotatingClient() {
  let asked = 0
  const expiration = new Date(NOON + 3_600_000)
  const credentials = async () => {
    asked += 1
    return { ...CREDENTIALS, accessKeyId: `KEY${asked}`, expiration }
  }
  return { client: clientOf({ credentials }), timesAsked: () => asked }
}

function accessKeyOf(part: PresignedPart | undefined): string | undefined {
  return new URL(part?.url ?? '').searchParams.get('X-Amz-Credential')?.split('/')[0]
}

describe('batches that follow one another', () => {
  it('are each what the SDK signs, whatever has changed since the one before', async () => {
    let credentials = { ...CREDENTIALS, sessionToken: 'first' }
    const client = clientOf()
    // What the client is given it would remember; what it asks for each time is this.
    Object.defineProperty(client.config, 'credentials', { value: async () => credentials })
    let now = NOON
    const signer = new S3PartSigner({ client, bucket: BUCKET, clock: { now: () => now } })
    const one = requestOf(3)
    const batches: (SignRequest | (() => void))[] = [
      one,
      { ...one, parts: [{ index: 9, size: 77, checksum: checksumOf('sha256', 9) }] },
      { ...one, multipartId: 'another' },
      { ...one, key: 'another' },
      { ...one, expiresInSeconds: 60 },
      requestOf(2, 'none'),
      requestOf(2, 'crc32'),
      () => {
        credentials = { ...credentials, sessionToken: 'second' }
      },
      one,
      () => {
        credentials = { ...credentials, secretAccessKey: 'rotated' }
      },
      one,
      () => {
        now += 1_000
      },
      one,
      () => {
        now += 24 * 3_600_000
      },
      one,
    ]
    for (const step of batches) {
      if (typeof step === 'function') {
        step()
        continue
      }
      const signed = await signer.signParts(step)
      const expected = await signedBySdk(clientOf({ credentials: { ...credentials } }), step, now)
      expect(signed.map((part) => part.url)).toEqual(expected)
    }
  })
})
