import type { ChecksumAlgorithm, ChecksumType, CompletedPart } from '@aws-sdk/client-s3'
import type { ChecksumMode } from '../protocol/index.js'

/**
 * How S3 spells a checksum mode. The types are those that the integrity of an upload rests on: a
 * composite root for SHA-256, the CRC of the whole object for the others
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
 */
export interface S3Checksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  readonly member: 'ChecksumSHA256' | 'ChecksumCRC64NVME' | 'ChecksumCRC32C' | 'ChecksumCRC32'
  readonly header: `x-amz-checksum-${string}`
}

const S3_CHECKSUMS = {
  sha256: {
    algorithm: 'SHA256',
    type: 'COMPOSITE',
    member: 'ChecksumSHA256',
    header: 'x-amz-checksum-sha256',
  },
  crc64nvme: {
    algorithm: 'CRC64NVME',
    type: 'FULL_OBJECT',
    member: 'ChecksumCRC64NVME',
    header: 'x-amz-checksum-crc64nvme',
  },
  crc32c: {
    algorithm: 'CRC32C',
    type: 'FULL_OBJECT',
    member: 'ChecksumCRC32C',
    header: 'x-amz-checksum-crc32c',
  },
  crc32: {
    algorithm: 'CRC32',
    type: 'FULL_OBJECT',
    member: 'ChecksumCRC32',
    header: 'x-amz-checksum-crc32',
  },
} as const satisfies Partial<Record<ChecksumMode, S3Checksum>>

type KeptMode = keyof typeof S3_CHECKSUMS

/** The modes whose checksums S3 itself keeps with the object. */
export const KEPT_MODES = ['sha256', 'crc64nvme', 'crc32c', 'crc32'] as const satisfies KeptMode[]

/** `undefined` for `md5` and `none`, of which S3 keeps nothing. */
export function s3Checksum(mode: ChecksumMode): S3Checksum | undefined {
  return mode === 'md5' || mode === 'none' ? undefined : S3_CHECKSUMS[mode]
}

/** The header in which the client sends the checksum of a part; `undefined` in mode `none`. */
export function checksumHeader(mode: ChecksumMode): string | undefined {
  return mode === 'md5' ? 'content-md5' : s3Checksum(mode)?.header
}

type ChecksumMembers = Pick<CompletedPart, S3Checksum['member']>

/** `value` as the member of the SDK's input that carries a checksum of `mode`. */
export function checksumMember(mode: ChecksumMode, value: string | undefined): ChecksumMembers {
  const checksum = s3Checksum(mode)
  return checksum === undefined || value === undefined ? {} : { [checksum.member]: value }
}

/** The inverse of {@link checksumMember}: what a reply of the SDK says in `mode`. */
export function readChecksum(mode: ChecksumMode, reply: ChecksumMembers): string | undefined {
  const checksum = s3Checksum(mode)
  return checksum === undefined ? undefined : reply[checksum.member]
}
