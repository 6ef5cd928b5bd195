/** An ETag as the ports write it: without the quotes of RFC 9110. */
export function unquoteEtag(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1')
}
