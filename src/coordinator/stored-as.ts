/** How an object is kept: what those are told who get it from the bucket, whatever its uploader had in mind. */

const OPAQUE = 'application/octet-stream'

/**
 * Types that a browser runs or renders with scripts in it. https://mimesniff.spec.whatwg.org/#xml-mime-type and
 * https://mimesniff.spec.whatwg.org/#javascript-mime-type name those of XML and of JavaScript.
 */
const ACTIVE = [
  /^text\/(html|xsl|cache-manifest)$/,
  /[/+]xml$/,
  /\/(x-)?(java|ecma|j|live)script[\d.]*$/,
  /^multipart\//,
  /^application\/x-shockwave-flash$/,
]

/**
 * The media type of the object. One that is active becomes `application/octet-stream`, unless the operator's list has
 * it by its full name: the bucket may be on a host where a script could do harm.
 */
export function storedType(
  declared: string | undefined,
  allowed: readonly string[] = [],
): string | undefined {
  if (declared === undefined) return undefined
  const type = essence(declared)
  const isActive = ACTIVE.some((pattern) => pattern.test(type))
  return isActive && !allowed.some((one) => one.toLowerCase() === type) ? OPAQUE : declared
}

/** The type without its parameters. */
export function essence(type: string): string {
  return (type.split(';')[0] ?? '').trim().toLowerCase()
}

/**
 * `Content-Disposition`, by which a browser saves the object and does not show it (RFC 6266). The name is given twice: in
 * ASCII, where `_` stands for what is not or may be misread, and in full (RFC 8187).
 */
export function attachment(filename: string): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\%]/gu, '_')
  const full = encodeURIComponent(filename).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${full}`
}
