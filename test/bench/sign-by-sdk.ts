import { type S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { SignRequest } from '../../src/coordinator/ports.js'

export interface SdkSigning {
  readonly client: S3Client
  readonly bucket: string
  readonly signingDate: Date
}

/** Signs the first `count` parts with the SDK's own presigner, one by one. */
export async function signBySdk(
  { client, bucket, signingDate }: SdkSigning,
  request: SignRequest,
  count: number,
): Promise<void> {
  const unhoistableHeaders = new Set(['x-amz-checksum-sha256'])
  for (const part of request.parts.slice(0, count)) {
    const command = new UploadPartCommand({
      Bucket: bucket,
      Key: request.key,
      UploadId: request.multipartId,
      PartNumber: part.index,
      ContentLength: part.size,
      ...(part.checksum !== undefined && { ChecksumSHA256: part.checksum }),
    })
    const options = { expiresIn: request.expiresInSeconds, signingDate }
    await getSignedUrl(client, command, { ...options, unhoistableHeaders })
  }
}

export function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN
}
