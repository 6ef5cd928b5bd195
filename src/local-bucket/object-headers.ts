import { checksumHeader } from './checksums.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import { quote } from './service.js'
import type { NewObject, ObjectRecord } from './storage/records.js'

/** Those that are kept with an object and come back with it, besides `x-amz-meta-…`. */
const KEPT = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
] as const

const METADATA = 'x-amz-meta-'
const MAX_METADATA_BYTES = 2_048

/** What a request asks to be kept with its object. */
export function keptHeaders(request: S3Request): Record<string, string> {
  const metadata = [...hoistedMetadata(request), ...sentMetadata(request)]
  const bytes = metadata.reduce((sum, [name, value]) => {
    return sum + name.length - METADATA.length + value.length
  }, 0)
  if (bytes > MAX_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', 'Your metadata headers exceed 2 KB')
  }
  const kept = KEPT.flatMap((name) => {
    const value = name === 'content-encoding' ? contentEncoding(request) : request.value(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return { 'content-type': 'binary/octet-stream', ...Object.fromEntries([...kept, ...metadata]) }
}

function sentMetadata(request: S3Request): readonly (readonly [string, string])[] {
  const names = request.headerNames.filter((name) => name.startsWith(METADATA))
  return names.map((name) => [name, request.value(name) ?? ''])
}

/** SDKs move metadata into the query of a presigned URL, where it is signed. */
function hoistedMetadata({ parameters }: S3Request): readonly (readonly [string, string])[] {
  const named = [...parameters].map(([name, value]) => [name.toLowerCase(), value] as const)
  return named.flatMap(([name, value]) => {
    return name.startsWith(METADATA) ? [[name, asHeader(value)] as const] : []
  })
}

/** How the body was sent is no business of those who get the object. */
function contentEncoding(request: S3Request): string | undefined {
  const codings = request.value('content-encoding')?.split(',') ?? []
  const kept = codings.map((coding) => coding.trim()).filter((coding) => coding !== 'aws-chunked')
  return kept.join(',') || undefined
}

/** The headers of an object for GET and HEAD. */
export function objectHeaders(object: ObjectRecord): Record<string, string> {
  return {
    ...object.headers,
    etag: quote(object.etag),
    'last-modified': new Date(object.modifiedAt).toUTCString(),
    'accept-ranges': 'bytes',
  }
}

export function checksumHeaders({ checksum }: Pick<NewObject, 'checksum'>): Record<string, string> {
  if (checksum === undefined) return {}
  const { algorithm, type, value } = checksum
  return { [checksumHeader(algorithm)]: value, 'x-amz-checksum-type': type }
}

/** What a GET asks to be told in the place of the headers that the object has. */
export function overriddenHeaders({ parameters }: S3Request): Record<string, string> {
  const overrides = KEPT.map((name) => [name, parameters.get(`response-${name}`)] as const)
  return Object.fromEntries(
    overrides.flatMap(([name, value]) => (value === undefined ? [] : [[name, asHeader(value)]])),
  )
}

/** Node writes headers byte by byte, so UTF-8 has to be spelt out. */
function asHeader(value: string): string {
  if (!/\p{Cc}/u.test(value)) return Buffer.from(value).toString('latin1')
  throw new S3Error('InvalidArgument', 'A header may not have control characters')
}

const UNSUPPORTED = [
  'x-amz-server-side-encryption',
  'x-amz-grant-',
  'x-amz-object-lock-',
  'x-amz-website-redirect-location',
  'x-amz-write-offset-bytes',
]

/** Nothing that is asked for is left out in silence. */
export function refuseUnsupported(request: S3Request): void {
  const name =
    request.headerNames.find((header) => UNSUPPORTED.some((start) => header.startsWith(start))) ??
    unless(request, 'x-amz-tagging', '') ??
    unless(request, 'x-amz-acl', 'private') ??
    unless(request, 'x-amz-storage-class', 'STANDARD')
  if (name !== undefined) {
    throw new S3Error('NotImplemented', `The header ${name} implies what is not implemented`)
  }
}

function unless(request: S3Request, name: string, value: string): string | undefined {
  return (request.value(name) ?? value) === value ? undefined : name
}
