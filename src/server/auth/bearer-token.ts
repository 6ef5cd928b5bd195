/** Far more than any token needs; what is longer is refused before anything reads it. */
export const MAX_TOKEN_BYTES = 8 * 1024

/** The token of an `Authorization` header (RFC 6750 section 2.1); `undefined` when it holds none. */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 'Bearer '.length + MAX_TOKEN_BYTES) return undefined
  return /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(header)?.[1]
}
