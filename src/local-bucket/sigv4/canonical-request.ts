/**
 * The canonical request of Signature Version 4
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html), by the rules
 * of S3: the path is encoded once and never normalised.
 */
export interface CanonicalInput {
  readonly method: string
  /** With its escapes resolved. */
  readonly path: string
  /** As sent, with their escapes resolved. */
  readonly query: readonly QueryParameter[]
  /** All values that the request has of a header, `undefined` when it has none. */
  readonly header: (name: string) => readonly string[] | undefined
  /** In lower case and in order. */
  readonly signedHeaders: readonly string[]
  readonly payloadHash: string
}

export type QueryParameter = readonly [name: string, value: string]

export function canonicalRequest(input: CanonicalInput): string {
  const { method, path, query, header, signedHeaders, payloadHash } = input
  const headers = signedHeaders.map((name) => `${name}:${canonicalValue(header(name))}\n`)
  return [
    method,
    uriEncode(path).replaceAll('%2F', '/'),
    canonicalQuery(query),
    headers.join(''),
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n')
}

/** A header that was signed and is not there reads as an empty one, so its signature does not match. */
function canonicalValue(values: readonly string[] = []): string {
  return values.map((value) => value.trim().replace(/\s+/g, ' ')).join(',')
}

function canonicalQuery(query: readonly QueryParameter[]): string {
  const encoded = query.map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
  const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b))
  return encoded
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map((pair) => pair.join('='))
    .join('&')
}

/** Escapes everything but RFC 3986's unreserved characters. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
