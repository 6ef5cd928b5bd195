import { S3Error } from '../s3-error.js'
import {
  type BucketCall,
  isoTime,
  type ObjectCall,
  quote,
  type S3Reply,
  type Service,
  xmlReply,
} from '../service.js'
import type { PartRecord, UploadRecord } from '../storage/records.js'
import type { UploadPosition } from '../storage/upload-table.js'
import type { XmlElement } from '../xml.js'
import { OWNER } from './buckets.js'
import { uploadPlace } from './multipart.js'
import { afterKey, afterPrefix, keyEncoder, numberParameter, pageSize } from './paging.js'

const OWNERS = [
  ['Initiator', OWNER],
  ['Owner', OWNER],
] as const

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export function listParts(call: ObjectCall, { catalogue }: Service): S3Reply {
  const { request, bucket, key } = call
  const upload = catalogue.uploads.require(uploadPlace(call))
  const limit = pageSize(request, 'max-parts')
  const marker = numberParameter(request, 'part-number-marker') ?? 0
  const found = catalogue.uploads.parts(upload.id, marker, limit + 1)
  const parts = found.slice(0, limit)
  const isTruncated = limit > 0 && found.length > limit
  return xmlReply([
    'ListPartsResult',
    [
      ['Bucket', bucket],
      ['Key', keyEncoder(request)(key)],
      ['UploadId', upload.id],
      ...OWNERS,
      ['StorageClass', 'STANDARD'],
      ['PartNumberMarker', marker],
      // On the last page too it would keep the SDK's paginator asking for ever.
      ...(isTruncated ? [['NextPartNumberMarker', parts.at(-1)?.number ?? 0] as const] : []),
      ['MaxParts', limit],
      ['IsTruncated', isTruncated],
      ...algorithmElements(upload),
      ...parts.map((part) => partElement(part, upload)),
    ],
  ])
}

function partElement(part: PartRecord, { algorithm }: UploadRecord): XmlElement {
  return [
    'Part',
    [
      ['PartNumber', part.number],
      ['LastModified', isoTime(part.modifiedAt)],
      ['ETag', quote(part.etag)],
      ['Size', part.size],
      [`Checksum${algorithm}`, part.checksum ?? undefined],
    ],
  ]
}

function algorithmElements({ algorithm, type }: UploadRecord): readonly XmlElement[] {
  return [
    ['ChecksumAlgorithm', algorithm ?? undefined],
    ['ChecksumType', type ?? undefined],
  ]
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export function listMultipartUploads({ request, bucket }: BucketCall, service: Service): S3Reply {
  const { parameters } = request
  const prefix = parameters.get('prefix') ?? ''
  const keyMarker = parameters.get('key-marker') ?? ''
  const idMarker = parameters.get('upload-id-marker') ?? ''
  if (parameters.get('delimiter')) {
    throw new S3Error('NotImplemented', 'A delimiter is not implemented for multipart uploads')
  }
  service.catalogue.requireBucket(bucket)
  const limit = pageSize(request, 'max-uploads')
  const range = { to: afterPrefix(prefix), limit: limit + 1 }
  const after = firstUpload(prefix, keyMarker, idMarker)
  const found = service.catalogue.uploads.list(bucket, after, range)
  const uploads = found.slice(0, limit)
  const encode = keyEncoder(request)
  const isTruncated = limit > 0 && found.length > limit
  const last = isTruncated ? uploads.at(-1) : undefined
  return xmlReply([
    'ListMultipartUploadsResult',
    [
      ['Bucket', bucket],
      ['Prefix', encode(prefix)],
      ['KeyMarker', encode(keyMarker)],
      ['UploadIdMarker', idMarker],
      ['NextKeyMarker', last && encode(last.key)],
      ['NextUploadIdMarker', last?.id],
      ['MaxUploads', limit],
      ['EncodingType', parameters.get('encoding-type')],
      ['IsTruncated', isTruncated],
      ...uploads.map((upload) => uploadElement(upload, encode)),
    ],
  ])
}

/** Without an id the marker stands for all uploads of its key. */
function firstUpload(prefix: string, key: string, uploadId: string): UploadPosition {
  const start = { key: Buffer.from(prefix), uploadId: '' }
  if (key === '') return start
  const after = uploadId === '' ? afterKey(key) : Buffer.from(key)
  return Buffer.compare(after, start.key) < 0 ? start : { key: after, uploadId }
}

function uploadElement(upload: UploadRecord, encode: (key: string) => string): XmlElement {
  return [
    'Upload',
    [
      ['Key', encode(upload.key)],
      ['UploadId', upload.id],
      ...OWNERS,
      ['StorageClass', 'STANDARD'],
      ['Initiated', isoTime(upload.initiatedAt)],
      ...algorithmElements(upload),
    ],
  ]
}
