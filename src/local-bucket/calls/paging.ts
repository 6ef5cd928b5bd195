import type { S3Request } from '../request.js'
import { S3Error } from '../s3-error.js'
import { uriEncode } from '../sigv4/canonical-request.js'

/** No byte of UTF-8 is as high as this. */
export const END_OF_KEYS = Uint8Array.of(0xff)

/** The first string of bytes after all that begin with `prefix`. */
export function afterPrefix(prefix: string): Uint8Array {
  const bytes = Buffer.from(prefix)
  const last = bytes.at(-1)
  if (last === undefined) return END_OF_KEYS
  bytes[bytes.length - 1] = last + 1
  return bytes
}

/** The first string of bytes after `key` itself. */
export function afterKey(key: string): Uint8Array {
  return Buffer.from(`${key}\0`)
}

/** S3 gives out pages of at most 1,000 entries, whatever is asked for. */
const MAX_PAGE = 1_000

export function pageSize(request: S3Request, parameter: string): number {
  return Math.min(numberParameter(request, parameter) ?? MAX_PAGE, MAX_PAGE)
}

export function numberParameter({ parameters }: S3Request, name: string): number | undefined {
  const text = parameters.get(name)
  if (text === undefined || text === '') return undefined
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new S3Error('InvalidArgument', `The parameter ${name} must be a whole number`)
}

/** How keys are written in a list: as they are, or escaped when `encoding-type` asks for it. */
export function keyEncoder({ parameters }: S3Request): (key: string) => string {
  const type = parameters.get('encoding-type')
  if (type === undefined) return (key) => key
  if (type === 'url') return (key) => uriEncode(key).replaceAll('%2F', '/')
  throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request')
}
