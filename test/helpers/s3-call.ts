import type { IncomingMessage } from 'node:http'

export type S3CallName =
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'ListParts'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'HeadObject'
  | 'GetObject'
  | 'DeleteObject'
  | 'ListMultipartUploads'
  | 'HeadBucket'
  | 'other'

/** Which call of the S3 API a path-style request is. */
export function s3CallOf({ method, url = '/' }: IncomingMessage): S3CallName {
  const { pathname, searchParams: query } = new URL(url, 'http://bucket')
  const isObject = /^\/[^/]+\/./.test(pathname)
  if (!isObject) {
    if (method === 'GET' && query.has('uploads')) return 'ListMultipartUploads'
    return method === 'HEAD' ? 'HeadBucket' : 'other'
  }
  if (method === 'POST' && query.has('uploads')) return 'CreateMultipartUpload'
  if (method === 'HEAD') return 'HeadObject'
  if (!query.has('uploadId')) return OF_OBJECTS.get(method ?? '') ?? 'other'
  return BY_METHOD.get(method ?? '') ?? 'other'
}

const OF_OBJECTS = new Map<string, S3CallName>([
  ['GET', 'GetObject'],
  ['DELETE', 'DeleteObject'],
])

const BY_METHOD = new Map<string, S3CallName>([
  ['PUT', 'UploadPart'],
  ['GET', 'ListParts'],
  ['POST', 'CompleteMultipartUpload'],
  ['DELETE', 'AbortMultipartUpload'],
])
