import * as z from 'zod/mini'
import { S3_LIMITS } from '../../protocol/index.js'
import { readText } from '../body.js'
import { checksumHeader, multipartEtag, objectChecksum, parseType } from '../checksums.js'
import { replaceGuard } from '../conditions.js'
import type { S3Request } from '../request.js'
import { S3Error } from '../s3-error.js'
import {
  type ObjectCall,
  quote,
  type S3Reply,
  type Service,
  unquote,
  xmlReply,
} from '../service.js'
import type { NewObject, ObjectChecksum, PartRecord, UploadRecord } from '../storage/records.js'
import { malformed, parseXml, unescapeText } from '../xml.js'
import { uploadPlace } from './multipart.js'

/** 10,000 parts with all that there is to say of each. */
const MAX_XML_BYTES = 8 * 1024 * 1024

const text = z.pipe(z.string(), z.transform(unescapeText))
const checksum = z.optional(text)
const completeSchema = z.object({
  Part: z.array(
    z.object({
      PartNumber: z.pipe(
        text,
        z.transform((digits) => (/^\s*\d{1,6}\s*$/.test(digits) ? Number(digits) : Number.NaN)),
      ),
      ETag: z.pipe(text, z.transform(unquote)),
      ChecksumSHA256: checksum,
      ChecksumCRC64NVME: checksum,
      ChecksumCRC32C: checksum,
      ChecksumCRC32: checksum,
    }),
  ),
})

type NamedPart = z.infer<typeof completeSchema>['Part'][number]

/**
 * Makes an object of parts. No byte is copied: the files of the parts become the segments of the object,
 * in one step with the end of the upload.
 */
export async function completeMultipartUpload(
  call: ObjectCall,
  service: Service,
): Promise<S3Reply> {
  const { request } = call
  const { catalogue, blobs } = service
  const mayReplace = replaceGuard(request)
  const named = parseParts(await readText(call, { maxBytes: MAX_XML_BYTES, hasChecksum: false }))
  const place = uploadPlace(call)
  if (wasCompleted(call, service, named)) return completed(call, service)
  const upload = catalogue.uploads.require(place)
  const parts = chosenParts(named, upload, catalogue.uploads.parts(upload.id))
  const sum = await checkedSum(request, upload, parts)
  checkSize(request, parts)
  const object = assembled(upload, parts, { checksum: sum, modifiedAt: service.now() })
  await blobs.remove(catalogue.uploads.complete(place, { object, mayReplace }))
  return completed(call, service)
}

/** S3 answers a Complete that it is sent again as it did the first time. */
function wasCompleted(
  call: ObjectCall,
  { catalogue }: Service,
  named: readonly NamedPart[],
): boolean {
  const object = catalogue.objects.find(call)
  const isOurs = object?.upload === call.request.parameters.get('uploadId')
  return isOurs && object?.etag === multipartEtag(named.map(({ ETag }) => ETag))
}

function completed(call: ObjectCall, { catalogue }: Service): S3Reply {
  const { bucket, key, request } = call
  const object = catalogue.objects.find(call)
  return xmlReply([
    'CompleteMultipartUploadResult',
    [
      ['Location', `http://${request.value('host') ?? ''}/${bucket}/${encodeURI(key)}`],
      ['Bucket', bucket],
      ['Key', key],
      ['ETag', quote(object?.etag ?? '')],
      ...(object?.checksum === undefined ? [] : checksumElements(object.checksum)),
    ],
  ])
}

function checksumElements({ algorithm, type, value }: ObjectChecksum) {
  return [
    [`Checksum${algorithm}`, value],
    ['ChecksumType', type],
  ] as const
}

function parseParts(xml: string): readonly NamedPart[] {
  const parsed = completeSchema.safeParse(parseXml(xml, 'CompleteMultipartUpload'))
  if (!parsed.success) throw malformed()
  const { Part: parts } = parsed.data
  const isSound = parts.every(({ PartNumber: n }) => n >= 1 && n <= S3_LIMITS.maxParts)
  if (!isSound || parts.length === 0 || parts.length > S3_LIMITS.maxParts) throw malformed()
  return parts
}

function chosenParts(
  named: readonly NamedPart[],
  upload: UploadRecord,
  present: readonly PartRecord[],
): readonly PartRecord[] {
  checkOrder(named, upload)
  const byNumber = new Map(present.map((part) => [part.number, part]))
  const parts = named.map((name) => {
    const part = byNumber.get(name.PartNumber)
    if (part !== undefined && isSame(name, part, upload)) return part
    throw new S3Error(
      'InvalidPart',
      `Part ${name.PartNumber} could not be found, or its ETag or checksum is another`,
    )
  })
  if (parts.slice(0, -1).some(({ size }) => size < S3_LIMITS.minPartSize)) {
    throw new S3Error('EntityTooSmall', 'A part other than the last is smaller than 5 MiB')
  }
  return parts
}

/** As MinIO has it, the list must repeat the checksums of an upload that has any. */
function isSame(name: NamedPart, part: PartRecord, { algorithm }: UploadRecord): boolean {
  if (name.ETag !== part.etag) return false
  return algorithm === null || name[`Checksum${algorithm}`] === part.checksum
}

function checkOrder(named: readonly NamedPart[], { algorithm }: UploadRecord): void {
  const isInOrder = named.every(({ PartNumber: number }, i) => {
    const before = named[i - 1]?.PartNumber ?? 0
    return algorithm === null ? number > before : number === before + 1
  })
  if (isInOrder) return
  throw new S3Error(
    'InvalidPartOrder',
    'The list of parts was not in ascending order, or with a checksum not 1, 2, 3 and so on',
  )
}

async function checkedSum(
  request: S3Request,
  { algorithm, type }: UploadRecord,
  parts: readonly PartRecord[],
): Promise<ObjectChecksum | undefined> {
  const declaredType = parseType(request.value('x-amz-checksum-type'))
  if (algorithm === null || type === null) return undefined
  const value = await objectChecksum({ algorithm, type }, parts)
  const declared = request.value(checksumHeader(algorithm))
  // Some clients leave out the number of parts at the end of a composite checksum.
  const isRight = declared === undefined || [value, value.replace(/-\d+$/, '')].includes(declared)
  if ((declaredType ?? type) !== type || !isRight) {
    throw new S3Error('BadDigest', `The ${algorithm} you specified is not that of the parts`)
  }
  return { algorithm, type, value }
}

function checkSize(request: S3Request, parts: readonly PartRecord[]): void {
  const declared = request.value('x-amz-mp-object-size')
  if (declared === undefined || Number(declared) === sizeOf(parts)) return
  throw new S3Error('InvalidRequest', 'x-amz-mp-object-size is not the size of the parts')
}

function assembled(
  { id, headers }: UploadRecord,
  parts: readonly PartRecord[],
  facts: Pick<NewObject, 'checksum' | 'modifiedAt'>,
): NewObject {
  const segments = parts.map(({ blob, size }) => ({ blob, size }))
  const etag = multipartEtag(parts.map((part) => part.etag))
  return { size: sizeOf(parts), etag, headers, upload: id, segments, ...facts }
}

function sizeOf(parts: readonly PartRecord[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0)
}
