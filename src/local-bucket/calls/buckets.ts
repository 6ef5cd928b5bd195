import { readText } from '../body.js'
import { S3Error } from '../s3-error.js'
import {
  type BucketCall,
  isoTime,
  NO_CONTENT,
  type S3Reply,
  type Service,
  xmlReply,
} from '../service.js'

export const OWNER = [
  ['ID', 'local'],
  ['DisplayName', 'local'],
] as const

const MAX_XML_BYTES = 64 * 1024
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

export function isBucketName(name: string): boolean {
  return BUCKET_NAME.test(name)
}

export function listBuckets({ catalogue }: Service): S3Reply {
  const buckets = catalogue.buckets().map(({ name, createdAt }) => {
    return [
      'Bucket',
      [
        ['Name', name],
        ['CreationDate', isoTime(createdAt)],
      ],
    ] as const
  })
  return xmlReply([
    'ListAllMyBucketsResult',
    [
      ['Owner', OWNER],
      ['Buckets', buckets],
    ],
  ])
}

export async function createBucket(call: BucketCall, service: Service): Promise<S3Reply> {
  // It may name a region; there is only one.
  await readText(call, { maxBytes: MAX_XML_BYTES })
  if (!isBucketName(call.bucket)) {
    throw new S3Error('InvalidBucketName', 'The specified bucket is not valid')
  }
  if (!service.catalogue.createBucket(call.bucket, service.now())) {
    throw new S3Error('BucketAlreadyOwnedByYou', 'The bucket exists already and is yours')
  }
  return { status: 200, headers: { location: `/${call.bucket}` } }
}

export function headBucket({ bucket }: BucketCall, { catalogue, region }: Service): S3Reply {
  catalogue.requireBucket(bucket)
  return { status: 200, headers: { 'x-amz-bucket-region': region } }
}

export async function deleteBucket({ bucket }: BucketCall, service: Service): Promise<S3Reply> {
  await service.blobs.remove(service.catalogue.deleteBucket(bucket))
  return NO_CONTENT
}

/** The region `us-east-1` has no name here. */
export function getBucketLocation({ bucket }: BucketCall, { catalogue, region }: Service): S3Reply {
  catalogue.requireBucket(bucket)
  return xmlReply(['LocationConstraint', region === 'us-east-1' ? '' : region])
}
