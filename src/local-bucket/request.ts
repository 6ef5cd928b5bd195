import type { IncomingMessage } from 'node:http'
import { S3Error } from './s3-error.js'
import type { QueryParameter } from './sigv4/canonical-request.js'
import type { SignedRequest } from './sigv4/verify.js'

/** A request, taken apart. Buckets are named in the path, never in the host. */
export interface S3Request extends SignedRequest {
  readonly bucket: string | undefined
  readonly key: string | undefined
  /** The first value of each parameter. */
  readonly parameters: ReadonlyMap<string, string>
  /** The value of a header; several are joined by commas. */
  value(name: string): string | undefined
}

const MAX_KEY_BYTES = 1_024

export function parseRequest(incoming: IncomingMessage): S3Request {
  const target = incoming.url ?? '/'
  const at = target.indexOf('?')
  const path = decode(at < 0 ? target : target.slice(0, at))
  const query = at < 0 ? [] : parseQuery(target.slice(at + 1))
  const headers = incoming.headersDistinct
  const header = (name: string) => headers[name]
  return {
    method: incoming.method ?? 'GET',
    path,
    query,
    headerNames: Object.keys(headers),
    header,
    parameters: new Map(query.toReversed()),
    value: (name) => header(name)?.join(','),
    ...parsePath(path),
  }
}

export function parseQuery(text: string): readonly QueryParameter[] {
  return text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.replaceAll('+', '%20').split('=')
      return [decode(name), decode(value.join('='))]
    })
}

/** The bucket and the key in a path such as `/bucket/a/key`; the key may begin with a slash itself. */
export function parsePath(path: string): Pick<S3Request, 'bucket' | 'key'> {
  const [, bucket, key] = /^\/([^/]*)(?:\/(.*))?$/s.exec(path) ?? []
  if (bucket === undefined) throw invalidUri()
  if (key !== undefined && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new S3Error('KeyTooLongError', 'Your key is too long')
  }
  // XML, in which keys are listed, has no way to write it.
  if (key?.includes('\0')) throw invalidUri()
  return { bucket: bucket || undefined, key: key || undefined }
}

export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidUri()
  }
}

function invalidUri(): S3Error {
  return new S3Error('InvalidURI', "Couldn't parse the specified URI")
}
