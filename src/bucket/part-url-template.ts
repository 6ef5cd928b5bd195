import { createHmac, hash } from 'node:crypto'

/**
 * A presigned UploadPart URL of the SDK, taken apart into what all parts of a batch share and what is a
 * part's own: its number, its length, its checksum and the signature.
 *
 * The signature is that of AWS Signature Version 4 in the query
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html). The canonical request
 * needs nothing that is not in the URL: S3 does not escape the path a second time, the query of the URL
 * is sorted already, and the values in it are escaped, so that `&name=` is found only where a
 * parameter begins.
 */
export interface PartUrlTemplate {
  /** Of the URL: all before the signature; from there to the part number; all behind it. */
  readonly urlHead: string
  readonly urlMiddle: string
  readonly urlTail: string
  /** Of the canonical request: up to the part number; to the length; to the checksum; the rest. */
  readonly canonicalHead: string
  readonly beforeLength: string
  readonly beforeChecksum: string
  readonly afterChecksum: string
  /** The string to sign but for the hash at its end. */
  readonly stringToSignHead: string
  readonly scope: SigningScope
}

export interface SigningScope {
  /** `YYYYMMDD` in UTC. */
  readonly date: string
  readonly region: string
  readonly service: string
}

export interface PartOfUrl {
  readonly index: number
  readonly size: number
  /** Empty when the template has no header for it. */
  readonly checksum: string
}

const SIGNATURE = '&X-Amz-Signature='
const PART_NUMBER = '&partNumber='

/** `url` as the SDK signed it, with `checksumHeader` among its signed headers if there is one. */
export function partUrlTemplate(url: string, checksumHeader: string | undefined): PartUrlTemplate {
  const pathAt = url.indexOf('/', url.indexOf('//') + 2)
  const queryAt = url.indexOf('?')
  const urlHead = url.slice(0, indexAfter(url, SIGNATURE))
  const behindSignature = url.slice(url.indexOf('&', urlHead.length))
  const urlMiddle = behindSignature.slice(0, indexAfter(behindSignature, PART_NUMBER))
  const urlTail = behindSignature.slice(behindSignature.indexOf('&', urlMiddle.length))
  const query = urlHead.slice(queryAt + 1, -SIGNATURE.length) + urlMiddle
  const parameter = (name: string) => parameterOf(url, name)
  const scope = parameter('X-Amz-Credential').split('/').slice(-4)
  const [date = '', region = '', service = ''] = scope
  return {
    urlHead,
    urlMiddle,
    urlTail,
    canonicalHead: `PUT\n${url.slice(pathAt, queryAt)}\n${query}`,
    beforeLength: `${urlTail}\ncontent-length:`,
    ...canonicalHeaders(url.slice(url.indexOf('//') + 2, pathAt), checksumHeader),
    stringToSignHead: `AWS4-HMAC-SHA256\n${parameter('X-Amz-Date')}\n${scope.join('/')}\n`,
    scope: { date, region, service },
  }
}

// The headers of a canonical request are in alphabetical order, and `host` is between the two kinds.
function canonicalHeaders(host: string, checksumHeader: string | undefined) {
  const names = ['content-length', 'host', ...(checksumHeader ? [checksumHeader] : [])].sort()
  const end = `\n\n${names.join(';')}\nUNSIGNED-PAYLOAD`
  if (checksumHeader === undefined) {
    return { beforeChecksum: `\nhost:${host}`, afterChecksum: end }
  }
  return checksumHeader < 'host'
    ? { beforeChecksum: `\n${checksumHeader}:`, afterChecksum: `\nhost:${host}${end}` }
    : { beforeChecksum: `\nhost:${host}\n${checksumHeader}:`, afterChecksum: end }
}

/** The key with which everything of one day, region and service is signed. */
export function signingKey(secretAccessKey: string, scope: SigningScope): Buffer {
  return [scope.date, scope.region, scope.service, 'aws4_request'].reduce<Buffer>(
    (key, text) => createHmac('sha256', key).update(text).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  )
}

export function partUrl(template: PartUrlTemplate, key: Buffer, part: PartOfUrl): string {
  const canonicalRequest =
    template.canonicalHead +
    part.index +
    template.beforeLength +
    part.size +
    template.beforeChecksum +
    part.checksum +
    template.afterChecksum
  const signature = createHmac('sha256', key)
    .update(template.stringToSignHead + hash('sha256', canonicalRequest))
    .digest('hex')
  return template.urlHead + signature + template.urlMiddle + part.index + template.urlTail
}

function indexAfter(text: string, marker: string): number {
  const at = text.indexOf(marker)
  if (at < 0) throw new Error(`The presigned URL has no parameter ${marker.slice(1, -1)}`)
  return at + marker.length
}

function parameterOf(url: string, name: string): string {
  const start = indexAfter(url, `&${name}=`)
  const end = url.indexOf('&', start)
  return decodeURIComponent(url.slice(start, end < 0 ? undefined : end))
}
