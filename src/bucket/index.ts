export { S3PartSigner, type S3PartSignerOptions } from './batch-presigner.js'
export { type ConnectS3Options, connectS3, type S3Connection } from './connect.js'
export { S3Bucket, type S3BucketOptions } from './s3-bucket.js'
