import type { SignedCall } from './body.js'
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  headBucket,
  listBuckets,
} from './calls/buckets.js'
import { completeMultipartUpload } from './calls/complete.js'
import { copyObject, uploadPartCopy } from './calls/copies.js'
import { deleteObjects } from './calls/delete-objects.js'
import { listMultipartUploads, listParts } from './calls/list-multipart.js'
import { listObjectsV1, listObjectsV2 } from './calls/list-objects.js'
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './calls/multipart.js'
import { deleteObject, getObject, headObject, putObject } from './calls/objects.js'
import { S3Error } from './s3-error.js'
import type { BucketCall, ObjectCall, S3Reply, Service } from './service.js'

type Outcome = S3Reply | Promise<S3Reply>
type Operation<Call> = (call: Call, service: Service) => Outcome

/** Does what a request asks for. */
export async function dispatch(call: SignedCall, service: Service): Promise<S3Reply> {
  const { request } = call
  const { bucket, key } = request
  refuseSubresources(call)
  if (bucket === undefined) {
    if (request.method === 'GET') return listBuckets(service)
    throw notAllowed()
  }
  if (key === undefined) return bucketOperation(call)({ ...call, bucket }, service)
  return objectOperation(call)({ ...call, bucket, key }, service)
}

function bucketOperation({ request: { method, parameters } }: SignedCall): Operation<BucketCall> {
  switch (method) {
    case 'GET':
      if (parameters.has('location')) return getBucketLocation
      if (parameters.has('uploads')) return listMultipartUploads
      return parameters.get('list-type') === '2' ? listObjectsV2 : listObjectsV1
    case 'HEAD':
      return headBucket
    case 'PUT':
      return createBucket
    case 'DELETE':
      return deleteBucket
    case 'POST':
      if (parameters.has('delete')) return deleteObjects
      throw new S3Error('NotImplemented', 'Uploads by HTML forms are not implemented')
    default:
      throw notAllowed()
  }
}

function objectOperation({ request }: SignedCall): Operation<ObjectCall> {
  const { method, parameters } = request
  const ofUpload = parameters.has('uploadId')
  switch (method) {
    case 'GET':
      return ofUpload ? listParts : getObject
    case 'HEAD':
      return headObject
    case 'PUT':
      if (request.value('x-amz-copy-source') === undefined) return ofUpload ? uploadPart : putObject
      return ofUpload ? uploadPartCopy : copyObject
    case 'DELETE':
      return ofUpload ? abortMultipartUpload : deleteObject
    case 'POST':
      if (parameters.has('uploads')) return createMultipartUpload
      if (ofUpload) return completeMultipartUpload
      throw notAllowed()
    default:
      throw notAllowed()
  }
}

/** What S3 has besides, and a bucket for development does without. */
const SUBRESOURCES = new Set([
  'abac',
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'logging',
  'metadataConfiguration',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'renameObject',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'tagging',
  'torrent',
  'versioning',
  'versions',
  'website',
])

function refuseSubresources({ request: { method, parameters } }: SignedCall): void {
  const name = [...parameters.keys()].find((parameter) => SUBRESOURCES.has(parameter))
  if (name !== undefined) throw new S3Error('NotImplemented', `?${name} is not implemented here`)
  if ((parameters.get('versionId') ?? 'null') !== 'null') {
    throw new S3Error('NotImplemented', 'There are no versions here')
  }
  if (parameters.has('partNumber') && (method === 'GET' || method === 'HEAD')) {
    throw new S3Error('NotImplemented', 'Reading by partNumber is not implemented')
  }
}

function notAllowed(): S3Error {
  return new S3Error(
    'MethodNotAllowed',
    'The specified method is not allowed against this resource',
  )
}
