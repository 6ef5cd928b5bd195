import { S3Error } from '../s3-error.js'
import { ALGORITHM, parseCredential, UNSIGNED_PAYLOAD } from './signature.js'
import {
  type Claim,
  MAX_SKEW_MS,
  type Proven,
  parseSignedHeaders,
  prove,
  type SignedRequest,
  scopeProblem,
  timeOf,
  type Verifier,
} from './verify.js'

/** Seven days, in seconds. */
const MAX_EXPIRES = 604_800

/** Checks the signature in the query of a presigned URL. */
export function verifyQuery(request: SignedRequest, verifier: Verifier): Proven {
  const { claim, ms, expiresMs } = claimOf(request)
  const problem = scopeProblem(claim, verifier.region)
  if (problem !== undefined) throw queryError(`Error parsing X-Amz-Credential; ${problem}`)
  const now = verifier.clock.now()
  if (ms > now + MAX_SKEW_MS) throw new S3Error('AccessDenied', 'Request is not valid yet')
  if (now > ms + expiresMs) throw new S3Error('AccessDenied', 'Request has expired')
  return prove(request, claim, verifier)
}

interface QueryClaim {
  readonly claim: Claim
  readonly ms: number
  readonly expiresMs: number
}

function claimOf(request: SignedRequest): QueryClaim {
  const values = new Map(request.query)
  if (values.get('X-Amz-Algorithm') !== ALGORITHM) {
    throw queryError(`X-Amz-Algorithm only supports ${ALGORITHM}`)
  }
  const credential = parseCredential(values.get('X-Amz-Credential') ?? '')
  if (credential === undefined) throw queryError('Error parsing X-Amz-Credential')
  const time = timeOf(values.get('X-Amz-Date'))
  if (time === undefined) throw queryError('X-Amz-Date must be in the form yyyyMMddTHHmmssZ')
  const signedHeaders = parseSignedHeaders(values.get('X-Amz-SignedHeaders') ?? '')
  const signature = values.get('X-Amz-Signature')
  if (signature === undefined || signedHeaders.length === 0) {
    throw queryError('X-Amz-SignedHeaders and X-Amz-Signature are needed')
  }
  const query = request.query.filter(([name]) => name !== 'X-Amz-Signature')
  const payloadHash = payloadHashOf(request, signedHeaders)
  return {
    claim: { credential, signedHeaders, signature, payloadHash, query, time: time.text },
    ms: time.ms,
    expiresMs: expiresOf(values.get('X-Amz-Expires')) * 1000,
  }
}

function expiresOf(text = ''): number {
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (seconds >= 1 && seconds <= MAX_EXPIRES) return seconds
  throw queryError(`X-Amz-Expires must be a number of seconds from 1 to ${MAX_EXPIRES}`)
}

/** The body of a presigned request is not signed, unless the signer put its hash into the signature. */
function payloadHashOf({ header, query }: SignedRequest, signed: readonly string[]): string {
  const name = 'x-amz-content-sha256'
  const inHeader = signed.includes(name) ? header(name)?.[0] : undefined
  const inQuery = query.find(([parameter]) => parameter.toLowerCase() === name)?.[1]
  return inHeader ?? inQuery ?? UNSIGNED_PAYLOAD
}

function queryError(message: string): S3Error {
  return new S3Error('AuthorizationQueryParametersError', message)
}
