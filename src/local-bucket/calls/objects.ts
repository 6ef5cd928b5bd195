import { CheckedBody } from '../body.js'
import { isNotModified, noSuchKey, replaceGuard } from '../conditions.js'
import {
  checksumHeaders,
  keptHeaders,
  objectHeaders,
  overriddenHeaders,
  refuseUnsupported,
} from '../object-headers.js'
import { parseRange } from '../range.js'
import {
  NO_CONTENT,
  type ObjectCall,
  quote,
  type S3Reply,
  type Service,
  unquote,
} from '../service.js'
import type { NewObject, ObjectPlace, ObjectRecord } from '../storage/records.js'

export async function putObject(call: ObjectCall, service: Service): Promise<S3Reply> {
  const { request } = call
  const { catalogue, blobs, now } = service
  refuseUnsupported(request)
  const headers = keptHeaders(request)
  const mayReplace = replaceGuard(request)
  catalogue.requireBucket(call.bucket)
  // Asked again below: this only spares the client to send everything in vain.
  mayReplace(catalogue.objects.find(call))
  const body = new CheckedBody(call)
  const blob = await blobs.write(body.bytes())
  const { size, md5, checksum } = body.facts
  const object: NewObject = {
    size,
    etag: md5,
    modifiedAt: now(),
    headers,
    checksum: checksum && { ...checksum, type: 'FULL_OBJECT' },
    segments: [{ blob, size }],
  }
  const unused = await blobs.keptBy([blob], () => catalogue.objects.put(call, object, mayReplace))
  await blobs.remove(unused)
  return { status: 200, headers: { etag: quote(md5), ...checksumHeaders(object) } }
}

export function headObject(call: ObjectCall, service: Service): S3Reply {
  const object = requireObject(call, service)
  if (isNotModified(call.request, object)) return notModified(object)
  const { status, headers } = describe(call, object)
  return { status, headers }
}

export function getObject(call: ObjectCall, service: Service): S3Reply {
  const object = requireObject(call, service)
  if (isNotModified(call.request, object)) return notModified(object)
  const { status, headers, range } = describe(call, object)
  const segments = service.catalogue.objects.segments(object)
  return { status, headers, body: service.blobs.read(segments, range) }
}

function describe({ request }: ObjectCall, object: ObjectRecord) {
  const ifRange = request.value('if-range')
  const isSame = ifRange === undefined || unquote(ifRange) === object.etag
  const part = isSame ? parseRange(request.value('range'), object.size) : undefined
  const range = part ?? { start: 0, end: object.size - 1 }
  // Of a part of the object its checksum says nothing.
  const wantsChecksum = request.value('x-amz-checksum-mode') === 'ENABLED' && part === undefined
  const headers: Record<string, string> = {
    ...objectHeaders(object),
    ...overriddenHeaders(request),
    ...(wantsChecksum && checksumHeaders(object)),
    ...(part && { 'content-range': `bytes ${part.start}-${part.end}/${object.size}` }),
    'content-length': String(range.end - range.start + 1),
  }
  return { status: part === undefined ? 200 : 206, headers, range }
}

function notModified(object: ObjectRecord): S3Reply {
  const { etag = '', 'last-modified': modified = '' } = objectHeaders(object)
  return { status: 304, headers: { etag, 'last-modified': modified } }
}

export function requireObject(place: ObjectPlace, { catalogue }: Service): ObjectRecord {
  const object = catalogue.objects.find(place)
  if (object !== undefined) return object
  catalogue.requireBucket(place.bucket)
  throw noSuchKey()
}

export async function deleteObject(call: ObjectCall, service: Service): Promise<S3Reply> {
  await service.blobs.remove(service.catalogue.objects.delete(call))
  return NO_CONTENT
}
