import type { S3Request } from '../request.js'
import { S3Error } from '../s3-error.js'
import {
  type BucketCall,
  isoTime,
  quote,
  type S3Reply,
  type Service,
  xmlReply,
} from '../service.js'
import type { Catalogue } from '../storage/catalogue.js'
import type { ObjectRecord } from '../storage/records.js'
import type { XmlElement } from '../xml.js'
import { OWNER } from './buckets.js'
import { afterKey, afterPrefix, keyEncoder, pageSize } from './paging.js'

interface Listing {
  readonly bucket: string
  readonly prefix: string
  readonly delimiter: string
  /** The last entry of the page before, or where the client wants to begin. */
  readonly after: string
  readonly limit: number
}

/** An object, or all whose keys agree up to the first delimiter after the prefix. */
type Entry =
  | { readonly kind: 'object'; readonly name: string; readonly object: ObjectRecord }
  | { readonly kind: 'prefix'; readonly name: string }

interface Page {
  readonly entries: readonly Entry[]
  readonly isTruncated: boolean
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listObjectsV2({ request, bucket }: BucketCall, { catalogue }: Service): S3Reply {
  const { parameters } = request
  const token = parameters.get('continuation-token')
  const startAfter = parameters.get('start-after')
  const after = token === undefined ? (startAfter ?? '') : decodeToken(token)
  const listing = parseListing(request, bucket, after)
  const page = readPage(catalogue, listing)
  const last = page.entries.at(-1)
  const encode = keyEncoder(request)
  return xmlReply([
    'ListBucketResult',
    [
      ...common(request, listing, page),
      ['KeyCount', page.entries.length],
      ['ContinuationToken', token],
      ['NextContinuationToken', page.isTruncated && last ? encodeToken(last.name) : undefined],
      ['StartAfter', startAfter === undefined ? undefined : encode(startAfter)],
      ...entryElements(page, encode, parameters.get('fetch-owner') === 'true'),
    ],
  ])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export function listObjectsV1({ request, bucket }: BucketCall, { catalogue }: Service): S3Reply {
  const marker = request.parameters.get('marker') ?? ''
  const listing = parseListing(request, bucket, marker)
  const page = readPage(catalogue, listing)
  const encode = keyEncoder(request)
  const last = page.entries.at(-1)
  return xmlReply([
    'ListBucketResult',
    [
      ...common(request, listing, page),
      ['Marker', encode(marker)],
      ['NextMarker', page.isTruncated && last ? encode(last.name) : undefined],
      ...entryElements(page, encode, true),
    ],
  ])
}

function parseListing(request: S3Request, bucket: string, after: string): Listing {
  const { parameters } = request
  const prefix = parameters.get('prefix') ?? ''
  const delimiter = parameters.get('delimiter') ?? ''
  return { bucket, prefix, delimiter, after, limit: pageSize(request, 'max-keys') }
}

function readPage(catalogue: Catalogue, listing: Listing): Page {
  catalogue.requireBucket(listing.bucket)
  if (listing.limit === 0) return { entries: [], isTruncated: false }
  // One more than the page takes tells whether there is another page.
  const wanted = listing.limit + 1
  const entries: Entry[] = []
  const to = afterPrefix(listing.prefix)
  for (let from: Uint8Array | undefined = firstKey(listing); from !== undefined; ) {
    const limit = wanted - entries.length
    if (limit === 0) break
    const objects = catalogue.objects.list(listing.bucket, { from, to, limit })
    from = takeEntries(objects, listing, entries)
  }
  return { entries: entries.slice(0, listing.limit), isTruncated: entries.length === wanted }
}

/** Returns where to read on, `undefined` at the end; the keys of a common prefix are not read one by one. */
function takeEntries(
  objects: readonly ObjectRecord[],
  listing: Listing,
  entries: Entry[],
): Uint8Array | undefined {
  let from: Uint8Array | undefined
  for (const object of objects) {
    const name = commonPrefix(object.key, listing)
    if (name !== undefined) {
      entries.push({ kind: 'prefix', name })
      return afterPrefix(name)
    }
    entries.push({ kind: 'object', name: object.key, object })
    from = afterKey(object.key)
  }
  return from
}

function commonPrefix(key: string, { prefix, delimiter }: Listing): string | undefined {
  if (delimiter === '' || !key.startsWith(prefix)) return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.slice(0, at + delimiter.length)
}

/** A common prefix that was given out already is not given out again for the rest of its keys. */
function firstKey(listing: Listing): Uint8Array {
  const { prefix, after } = listing
  const start = Buffer.from(prefix)
  if (after === '') return start
  const name = commonPrefix(after, listing)
  const next = name === undefined ? afterKey(after) : afterPrefix(name)
  return Buffer.compare(start, next) > 0 ? start : next
}

function common(request: S3Request, listing: Listing, page: Page): readonly XmlElement[] {
  const encode = keyEncoder(request)
  return [
    ['Name', listing.bucket],
    ['Prefix', encode(listing.prefix)],
    ['Delimiter', listing.delimiter === '' ? undefined : encode(listing.delimiter)],
    ['MaxKeys', listing.limit],
    ['EncodingType', request.parameters.get('encoding-type')],
    ['IsTruncated', page.isTruncated],
  ]
}

function entryElements(
  { entries }: Page,
  encode: (key: string) => string,
  withOwner: boolean,
): readonly XmlElement[] {
  return entries.map((entry) =>
    entry.kind === 'prefix'
      ? ['CommonPrefixes', [['Prefix', encode(entry.name)]]]
      : ['Contents', objectElements(entry.object, encode, withOwner)],
  )
}

function objectElements(
  { key, modifiedAt, etag, size, checksum }: ObjectRecord,
  encode: (key: string) => string,
  withOwner: boolean,
): readonly XmlElement[] {
  return [
    ['Key', encode(key)],
    ['LastModified', isoTime(modifiedAt)],
    ['ETag', quote(etag)],
    ['ChecksumAlgorithm', checksum?.algorithm],
    ['ChecksumType', checksum?.type],
    ['Size', size],
    ['Owner', withOwner ? OWNER : undefined],
    ['StorageClass', 'STANDARD'],
  ]
}

function encodeToken(name: string): string {
  return Buffer.from(name).toString('base64url')
}

function decodeToken(token: string): string {
  const name = Buffer.from(token, 'base64url').toString()
  if (name !== '' && encodeToken(name) === token) return name
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect')
}
