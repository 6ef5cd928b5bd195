import { S3ServiceException } from '@aws-sdk/client-s3'

/** Why HeadBucket was not answered with yes, in plain words and with what may be done about it. */
export function bucketTrouble(error: unknown, bucket: string): string {
  if (error instanceof S3ServiceException) return refusalText(error, bucket)
  const name = error instanceof Error ? error.name : typeof error
  if (name === 'CredentialsProviderError') {
    return 'There are no credentials for the bucket; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or whatever else the AWS SDK reads.'
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : name
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `The host of the bucket is not known (${code}); check PARTWAY_S3_ENDPOINT, and set PARTWAY_S3_FORCE_PATH_STYLE=true unless the bucket's name is to be in the host.`
  }
  return `Nothing answers where the bucket should be (${code}); check PARTWAY_S3_ENDPOINT and the network.`
}

/** A HEAD has no body, so the status is all that there is to read. */
function refusalText({ $metadata, name }: S3ServiceException, bucket: string): string {
  const status = $metadata.httpStatusCode
  if (status === 404) return `There is no bucket ${bucket}; make it, or mend PARTWAY_BUCKET.`
  if (status === 403) {
    return `The credentials may not use the bucket ${bucket}: the key is wrong, or its policy lacks s3:ListBucket.`
  }
  if (status === 301 || status === 400) {
    return `The bucket ${bucket} is in another region, or path style is wrong; check PARTWAY_S3_REGION and PARTWAY_S3_FORCE_PATH_STYLE.`
  }
  return `The bucket ${bucket} does not answer as it should (${status ?? name}).`
}
