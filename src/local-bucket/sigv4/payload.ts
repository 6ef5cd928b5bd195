import { S3Error } from '../s3-error.js'
import { UNSIGNED_PAYLOAD } from './signature.js'

/** How the body of a request is sent, as its signature says. */
export type Payload =
  | { readonly kind: 'plain'; readonly sha256?: string }
  | { readonly kind: 'chunked'; readonly isSigned: boolean; readonly hasTrailer: boolean }

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html */
export function payloadOf(hash: string): Payload {
  switch (hash) {
    case UNSIGNED_PAYLOAD:
      return { kind: 'plain' }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'chunked', isSigned: true, hasTrailer: false }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'chunked', isSigned: true, hasTrailer: true }
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'chunked', isSigned: false, hasTrailer: true }
    default:
      if (/^[0-9a-f]{64}$/.test(hash)) return { kind: 'plain', sha256: hash }
      throw new S3Error('InvalidArgument', 'x-amz-content-sha256 must be a hash or a known keyword')
  }
}
