import { DeleteObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { RemoveObject } from '../coordinator/ports.js'
import { unquoteEtag } from './etag.js'
import { isNoSuchObject, isPreconditionFailed } from './s3-errors.js'
import { statusOf } from './status-error.js'

export interface RemoveOptions extends RemoveObject {
  readonly client: S3Client
  readonly bucket: string
  readonly abortSignal: AbortSignal
}

/** What versions are called that were made while the bucket had none; such a one can be written over. */
const UNVERSIONED = 'null'

/**
 * Asks for the ETag first, since MinIO ignores `If-Match` with DELETE
 * (https://github.com/minio/minio/issues/21677); between the two, an object may be replaced there. AWS S3
 * and VersityGW compare it themselves. Where the object has a version, that one is deleted: what the bucket
 * shows afterwards may be an older one. AWS takes no `If-Match` along with a version, and none is needed,
 * since a version never changes.
 */
export async function removeObject(
  options: RemoveOptions,
): Promise<'removed' | 'absent' | 'changed' | 'outdated'> {
  try {
    const head = await headOf(options)
    if (unquoteEtag(head.ETag ?? '') !== options.etag) return 'changed'
    if (options.mayRemove?.() === false) return 'outdated'
    const versionId = options.versionId ?? head.VersionId
    const hasVersion = versionId !== undefined && versionId !== UNVERSIONED
    if (hasVersion) await remove(options, { VersionId: versionId })
    else await removeIfMatch(options)
    return 'removed'
  } catch (error) {
    if (isNoSuchObject(error)) return 'absent'
    if (isPreconditionFailed(error)) return 'changed'
    throw error
  }
}

function headOf({ client, bucket, key, versionId, abortSignal }: RemoveOptions) {
  const version = versionId === undefined ? {} : { VersionId: versionId }
  const command = new HeadObjectCommand({ Bucket: bucket, Key: key, ...version })
  return client.send(command, { abortSignal })
}

async function removeIfMatch(options: RemoveOptions): Promise<void> {
  try {
    await remove(options, { IfMatch: `"${options.etag}"` })
  } catch (error) {
    // There are buckets that know no such header with DELETE and, unlike MinIO, say so.
    if (statusOf(error) !== 501) throw error
    await remove(options, {})
  }
}

async function remove(
  { client, bucket, key, abortSignal }: RemoveOptions,
  which: { readonly VersionId?: string; readonly IfMatch?: string },
): Promise<void> {
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, ...which }), {
    abortSignal,
  })
}
