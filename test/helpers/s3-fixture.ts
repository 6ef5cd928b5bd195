import { randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'

/** A bucket of its own on a real server. It may be handed to `connectS3` as it is. */
export interface TestBucket {
  readonly bucket: string
  readonly region: string
  readonly endpoint: string
  readonly forcePathStyle: true
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** For looking at the bucket behind the adapter's back. */
  readonly client: S3Client
  /** Deletes the bucket with everything in it. */
  remove(): Promise<void>
}

/** `serviceUrl` carries the credentials: `http://<access key>:<secret key>@host:port`. */
export async function createTestBucket(serviceUrl: string): Promise<TestBucket> {
  const url = new URL(serviceUrl)
  const connection = {
    region: 'us-east-1',
    endpoint: url.origin,
    forcePathStyle: true,
    credentials: {
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
    },
  } as const
  const bucket = `partway-test-${randomUUID()}`
  const client = new S3Client({ ...connection, requestChecksumCalculation: 'WHEN_REQUIRED' })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  return { bucket, ...connection, client, remove: () => removeBucket(client, bucket) }
}

async function removeBucket(client: S3Client, bucket: string): Promise<void> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  for (const { Key, UploadId } of Uploads) {
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
  }
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    for (const { Key } of Contents) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
    }
  }
  await client.send(new DeleteBucketCommand({ Bucket: bucket }))
  client.destroy()
}
