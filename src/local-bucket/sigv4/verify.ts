import { S3Error } from '../s3-error.js'
import { canonicalRequest, type QueryParameter } from './canonical-request.js'
import {
  type Credential,
  type CredentialScope,
  isSameSignature,
  parseTime,
  sign,
  signingKey,
  stringToSign,
} from './signature.js'

/** A request as far as it is signed. */
export interface SignedRequest {
  readonly method: string
  /** With its escapes resolved. */
  readonly path: string
  readonly query: readonly QueryParameter[]
  readonly headerNames: readonly string[]
  readonly header: (name: string) => readonly string[] | undefined
}

/** Whose signatures count, and when. */
export interface Verifier {
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly region: string
  readonly clock: { now(): number }
}

/** What header and query say alike. */
export interface Claim {
  readonly credential: Credential
  /** As sent: `yyyymmddThhmmssZ`. */
  readonly time: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly payloadHash: string
  /** Without the signature, when that is in the query. */
  readonly query: readonly QueryParameter[]
}

/** A signature that was found to be right. The chunks of a body may be signed in continuation of it. */
export interface Proven {
  readonly key: Buffer
  readonly scope: CredentialScope
  readonly time: string
  readonly signature: string
  readonly payloadHash: string
}

/** S3 tolerates that much between its clock and the signer's. */
export const MAX_SKEW_MS = 15 * 60 * 1000

/** The time in the claim, after every check but that of the time itself. */
export function prove(request: SignedRequest, claim: Claim, verifier: Verifier): Proven {
  const { credential, time, payloadHash } = claim
  if (credential.accessKeyId !== verifier.credentials.accessKeyId) {
    throw new S3Error('InvalidAccessKeyId', 'The access key does not exist in our records')
  }
  requireSignedHeaders(request, claim.signedHeaders)
  const { method, path, header } = request
  const { query, signedHeaders } = claim
  const canonical = canonicalRequest({ method, path, query, header, signedHeaders, payloadHash })
  const key = signingKey(verifier.credentials.secretAccessKey, credential)
  const signature = sign(key, stringToSign(canonical, time, credential))
  if (!isSameSignature(signature, claim.signature)) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The signature that we calculated does not match the one you provided. Check your key, the signing method, and that every signed header is sent as it was signed',
    )
  }
  return { key, scope: credential, time, signature, payloadHash }
}

/** What is wrong with the scope of a credential, for the error that header and query have of their own. */
export function scopeProblem(claim: Claim, region: string): string | undefined {
  const { credential, time } = claim
  if (credential.service !== 's3') {
    return `the service '${credential.service}' is wrong; expecting 's3'`
  }
  if (credential.region !== region) {
    return `the region '${credential.region}' is wrong; expecting '${region}'`
  }
  if (!time.startsWith(credential.day))
    return 'the date of the credential is not that of the request'
  return undefined
}

export function parseSignedHeaders(text: string): readonly string[] {
  return text.split(';').filter((name) => name !== '')
}

export function timeOf(text: string | undefined): { text: string; ms: number } | undefined {
  const ms = text === undefined ? undefined : parseTime(text)
  return text === undefined || ms === undefined ? undefined : { text, ms }
}

/** Its value is in the signature in any case, or else means nothing. */
const NEED_NOT_BE_SIGNED = new Set(['x-amz-content-sha256'])

/** S3 wants the host and every `x-amz-` header of the request to be signed. */
function requireSignedHeaders({ headerNames }: SignedRequest, signed: readonly string[]): void {
  const isSigned = (name: string) => signed.includes(name)
  const unsigned = headerNames.find(
    (name) => name.startsWith('x-amz-') && !isSigned(name) && !NEED_NOT_BE_SIGNED.has(name),
  )
  if (unsigned !== undefined || !isSigned('host')) {
    throw new S3Error(
      'AccessDenied',
      `There were headers present in the request which were not signed: ${unsigned ?? 'host'}`,
    )
  }
}
