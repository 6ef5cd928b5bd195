import type { Context } from './context.js'
import { type Proof, proveObject } from './proof.js'
import type { Upload } from './session.js'
import { UploadError } from './upload-error.js'

/** S3: parts that are still being sent may survive an abort, so it may have to be repeated. */
const ATTEMPTS = 3

/**
 * Gives the multipart upload up. The reply of an abort says nothing about a completion before it, so
 * the object is asked for as well: what is `proven` has been completed.
 */
export async function removeParts(context: Context, upload: Upload): Promise<Proof> {
  const { bucket } = context
  const { key, multipartId = '' } = upload
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await bucket.abortMultipartUpload({ key, multipartId })
    const left = await bucket.listParts({ key, multipartId })
    if (left.kind === 'gone') return proveObject(context, upload, undefined)
  }
  throw new UploadError('BUCKET_UNAVAILABLE', 'The bucket still holds parts; abort again.', {
    retryAfterMs: 2_000,
  })
}
