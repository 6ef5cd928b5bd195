import { createHash } from 'node:crypto'
import { type CrcMode, combineCrcs } from '../checksum/crc-combine.js'
import { createPartHasher, type HashMode } from '../checksum/node.js'
import { CHECKSUM_BYTES, isBase64OfLength } from '../protocol/index.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import {
  ALGORITHM_NAMES,
  type Algorithm,
  CHECKSUM_TYPES,
  type ChecksumType,
  type PartRecord,
} from './storage/records.js'

/** S3's names of algorithms, and ours. */
const MODES = {
  SHA256: 'sha256',
  CRC64NVME: 'crc64nvme',
  CRC32C: 'crc32c',
  CRC32: 'crc32',
} as const satisfies Record<Algorithm, HashMode>

const PREFIX = 'x-amz-checksum-'
/** They have the prefix of checksums, but are none. */
const NO_CHECKSUMS = new Set(['algorithm', 'mode', 'type'])

export function checksumMode(algorithm: Algorithm): HashMode {
  return MODES[algorithm]
}

export function checksumHeader(algorithm: Algorithm): string {
  return PREFIX + MODES[algorithm]
}

/** A checksum that a request has for its body: in a header, or without its value in what follows the body. */
export interface DeclaredChecksum {
  readonly algorithm: Algorithm
  readonly value: string | undefined
}

export function declaredChecksum(request: S3Request): DeclaredChecksum | undefined {
  const trailer = request.value('x-amz-trailer')?.toLowerCase() ?? ''
  const names = [...request.headerNames, ...trailer.split(',').map((name) => name.trim())]
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length))
    .filter((name) => !NO_CHECKSUMS.has(name))
  const [name, ...others] = names
  if (name === undefined) return undefined
  if (others.length > 0) {
    throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header')
  }
  return { algorithm: parseAlgorithm(name), value: request.value(PREFIX + name) }
}

export function isWellFormed(algorithm: Algorithm, value: string): boolean {
  return isBase64OfLength(value, CHECKSUM_BYTES[MODES[algorithm]])
}

/** The algorithm and type that a multipart upload is opened with. */
export interface UploadChecksum {
  readonly algorithm: Algorithm
  readonly type: ChecksumType
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
export function uploadChecksum(request: S3Request): UploadChecksum | undefined {
  const name = request.value('x-amz-checksum-algorithm')
  const type = parseType(request.value('x-amz-checksum-type'))
  if (name === undefined) {
    if (type === undefined) return undefined
    throw new S3Error('InvalidRequest', 'x-amz-checksum-type needs an x-amz-checksum-algorithm')
  }
  const algorithm = parseAlgorithm(name)
  const usual = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE'
  const isOther =
    algorithm === 'SHA256'
      ? type === 'FULL_OBJECT'
      : algorithm === 'CRC64NVME' && type === 'COMPOSITE'
  if (isOther) {
    throw new S3Error('InvalidRequest', `The ${type} checksum type cannot be used with ${name}`)
  }
  return { algorithm, type: type ?? usual }
}

export function parseType(text: string | undefined): ChecksumType | undefined {
  const type = CHECKSUM_TYPES.find((name) => name === text)
  if (text === undefined || type !== undefined) return type
  throw new S3Error('InvalidRequest', 'The value of x-amz-checksum-type is not known')
}

function parseAlgorithm(name: string): Algorithm {
  const algorithm = ALGORITHM_NAMES.find((known) => known === name.toUpperCase())
  if (algorithm !== undefined) return algorithm
  throw new S3Error('NotImplemented', `The checksum algorithm ${name} is not implemented`)
}

type SummedPart = Pick<PartRecord, 'checksum' | 'size'>

/** The checksum of an object from those of its parts. */
export async function objectChecksum(
  { algorithm, type }: UploadChecksum,
  parts: readonly SummedPart[],
): Promise<string> {
  const mode = MODES[algorithm]
  const stretches = parts.map(({ checksum, size }) => ({ checksum: checksum ?? '', size }))
  if (type === 'FULL_OBJECT' && isCrc(mode)) return combineCrcs(mode, stretches)
  const hasher = await createPartHasher(mode)
  hasher.update(Buffer.concat(stretches.map(({ checksum }) => Buffer.from(checksum, 'base64'))))
  return `${hasher.digest()}-${parts.length}`
}

function isCrc(mode: HashMode): mode is CrcMode {
  return mode.startsWith('crc')
}

/** The ETag of an object of several parts: the MD5 of their MD5s, and how many. */
export function multipartEtag(etags: readonly string[]): string {
  const md5 = createHash('md5')
  for (const etag of etags) md5.update(etag, 'hex')
  return `${md5.digest('hex')}-${etags.length}`
}
