import { checksumMode } from '../checksums.js'
import { checkCopySource, replaceGuard } from '../conditions.js'
import { Digester } from '../digester.js'
import { keptHeaders, refuseUnsupported } from '../object-headers.js'
import { parseRange } from '../range.js'
import { decode, parsePath } from '../request.js'
import { S3Error } from '../s3-error.js'
import {
  isoTime,
  type ObjectCall,
  quote,
  type S3Reply,
  type Service,
  xmlReply,
} from '../service.js'
import type { ObjectPlace, ObjectRecord } from '../storage/records.js'
import { partNumber, uploadPlace } from './multipart.js'
import { requireObject } from './objects.js'

/**
 * No bytes are copied: both objects have the same files. So the copy keeps ETag and checksum, where S3
 * would make of a multipart object one of a single part.
 */
export async function copyObject(call: ObjectCall, service: Service): Promise<S3Reply> {
  const { request } = call
  refuseUnsupported(request)
  const { catalogue, blobs, now } = service
  const { place, source } = copySource(call, service)
  const replaces = request.value('x-amz-metadata-directive') === 'REPLACE'
  if (!replaces && place.bucket === call.bucket && place.key === call.key) {
    throw new S3Error('InvalidRequest', 'An object can be copied to itself only with new metadata')
  }
  const { size, etag, checksum } = source
  const headers = replaces ? keptHeaders(request) : source.headers
  const segments = catalogue.objects.segments(source)
  const object = { size, etag, checksum, headers, segments, modifiedAt: now() }
  await blobs.remove(catalogue.objects.put(call, object, replaceGuard(request)))
  const result = [
    ['LastModified', isoTime(object.modifiedAt)],
    ['ETag', quote(etag)],
  ] as const
  return xmlReply(['CopyObjectResult', result])
}

/** Of a part that is copied the bytes are, because a part may be any run of them. */
export async function uploadPartCopy(call: ObjectCall, service: Service): Promise<S3Reply> {
  const { request } = call
  const { catalogue, blobs, now } = service
  const number = partNumber(call)
  const target = uploadPlace(call)
  const { algorithm } = catalogue.uploads.require(target)
  const { source } = copySource(call, service)
  const whole = { start: 0, end: source.size - 1 }
  const range = parseRange(request.value('x-amz-copy-source-range'), source.size) ?? whole
  const mode = algorithm && checksumMode(algorithm)
  const digester = new Digester(mode === null ? ['md5'] : ['md5', mode])
  const reading = blobs.read(catalogue.objects.segments(source), range)
  const blob = await blobs.write(digester.pass(reading.bytes)).finally(reading.end)
  const { size, etag } = digester
  const checksum = mode && digester.digest(mode)
  const part = { number, blob, size, etag, checksum, modifiedAt: now() }
  const unused = await blobs.keptBy([blob], () => catalogue.uploads.putPart(target, part))
  await blobs.remove(unused)
  return xmlReply([
    'CopyPartResult',
    [
      ['LastModified', isoTime(part.modifiedAt)],
      ['ETag', quote(etag)],
      [`Checksum${algorithm}`, checksum ?? undefined],
    ],
  ])
}

interface CopySource {
  readonly place: ObjectPlace
  readonly source: ObjectRecord
}

function copySource({ request }: ObjectCall, service: Service): CopySource {
  const place = parseCopySource(request.value('x-amz-copy-source') ?? '')
  const source = requireObject(place, service)
  checkCopySource(request, source)
  return { place, source }
}

function parseCopySource(header: string): ObjectPlace {
  const [source = '', version] = header.split('?')
  if (version !== undefined) throw new S3Error('NotImplemented', 'There are no versions here')
  const { bucket, key } = parsePath(decode(source.replace(/^\/?/, '/')))
  if (bucket !== undefined && key !== undefined) return { bucket, key }
  throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key')
}
