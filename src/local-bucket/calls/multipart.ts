import { S3_LIMITS } from '../../protocol/index.js'
import { CheckedBody } from '../body.js'
import { checksumHeader, uploadChecksum } from '../checksums.js'
import { keptHeaders, refuseUnsupported } from '../object-headers.js'
import { S3Error } from '../s3-error.js'
import {
  NO_CONTENT,
  type ObjectCall,
  quote,
  type S3Reply,
  type Service,
  xmlReply,
} from '../service.js'
import type { Algorithm, PartRecord, UploadRecord } from '../storage/records.js'
import type { UploadPlace } from '../storage/upload-table.js'
import { numberParameter } from './paging.js'

export function createMultipartUpload(call: ObjectCall, service: Service): S3Reply {
  const { request, bucket, key } = call
  refuseUnsupported(request)
  const checksum = uploadChecksum(request)
  const initiatedAt = service.now()
  const upload: UploadRecord = {
    id: newUploadId(initiatedAt, service),
    key,
    initiatedAt,
    headers: keptHeaders(request),
    algorithm: checksum?.algorithm ?? null,
    type: checksum?.type ?? null,
  }
  service.catalogue.uploads.create(bucket, upload)
  const headers = checksum && {
    'x-amz-checksum-algorithm': checksum.algorithm,
    'x-amz-checksum-type': checksum.type,
  }
  const result = [
    ['Bucket', bucket],
    ['Key', key],
    ['UploadId', upload.id],
  ] as const
  return xmlReply(['InitiateMultipartUploadResult', result], headers)
}

/** Ids are in the order of their times, as lists of uploads under one key are to be. */
function newUploadId(now: number, { randomHex }: Service): string {
  return now.toString(36).padStart(9, '0') + randomHex(16)
}

export async function uploadPart(call: ObjectCall, service: Service): Promise<S3Reply> {
  const { catalogue, blobs, now } = service
  refuseUnsupported(call.request)
  const number = partNumber(call)
  const place = uploadPlace(call)
  const { algorithm } = catalogue.uploads.require(place)
  const body = new CheckedBody(call)
  if (algorithm !== null) requireAlgorithm(algorithm, body.algorithm)
  const blob = await blobs.write(body.bytes())
  const { size, md5, checksum } = body.facts
  const part: PartRecord = {
    number,
    blob,
    size,
    etag: md5,
    checksum: algorithm === null ? null : (checksum?.value ?? null),
    modifiedAt: now(),
  }
  // The upload may be over by now; then this refuses the part.
  const unused = await blobs.keptBy([blob], () => catalogue.uploads.putPart(place, part))
  await blobs.remove(unused)
  const sum = checksum && { [checksumHeader(checksum.algorithm)]: checksum.value }
  return { status: 200, headers: { etag: quote(md5), ...sum } }
}

export async function abortMultipartUpload(call: ObjectCall, service: Service): Promise<S3Reply> {
  await service.blobs.remove(service.catalogue.uploads.abort(uploadPlace(call)))
  return NO_CONTENT
}

export function uploadPlace({ request, bucket, key }: ObjectCall): UploadPlace {
  return { bucket, key, uploadId: request.parameters.get('uploadId') ?? '' }
}

export function partNumber({ request }: ObjectCall): number {
  const number = numberParameter(request, 'partNumber') ?? 0
  if (number >= 1 && number <= S3_LIMITS.maxParts) return number
  throw new S3Error(
    'InvalidArgument',
    `Part number must be an integer between 1 and ${S3_LIMITS.maxParts}, inclusive`,
  )
}

function requireAlgorithm(expected: Algorithm, actual: Algorithm | undefined): void {
  if (actual === expected) return
  const found = actual?.toLowerCase() ?? 'null'
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${found}`,
  )
}
