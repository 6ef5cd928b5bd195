import { S3Error } from '../s3-error.js'
import { ALGORITHM, parseCredential } from './signature.js'
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

/** Checks the signature in the header `Authorization`. */
export function verifyHeader(request: SignedRequest, verifier: Verifier): Proven {
  const { claim, ms } = claimOf(request)
  const problem = scopeProblem(claim, verifier.region)
  if (problem !== undefined) throw headerMalformed(problem)
  if (Math.abs(verifier.clock.now() - ms) > MAX_SKEW_MS) {
    throw new S3Error(
      'RequestTimeTooSkewed',
      "The difference between the request's time and the server's is too large",
    )
  }
  return prove(request, claim, verifier)
}

function claimOf(request: SignedRequest): { readonly claim: Claim; readonly ms: number } {
  const fields = parseAuthorization(single(request, 'authorization') ?? '')
  const payloadHash = single(request, 'x-amz-content-sha256')
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header: x-amz-content-sha256')
  }
  const time = timeOf(single(request, 'x-amz-date'))
  if (time === undefined) {
    throw new S3Error('AccessDenied', 'A request that is signed needs a valid x-amz-date header')
  }
  return { claim: { ...fields, time: time.text, payloadHash, query: request.query }, ms: time.ms }
}

function parseAuthorization(
  text: string,
): Pick<Claim, 'credential' | 'signedHeaders' | 'signature'> {
  const [algorithm = '', ...rest] = text.split(' ')
  if (algorithm !== ALGORITHM) {
    throw new S3Error(
      'InvalidRequest',
      `The authorization mechanism is not supported. Please use ${ALGORITHM}`,
    )
  }
  const fields = new Map(
    rest
      .join('')
      .split(',')
      .map((field) => {
        const at = field.indexOf('=')
        return [field.slice(0, at), field.slice(at + 1)] as const
      }),
  )
  const credential = parseCredential(fields.get('Credential') ?? '')
  const signature = fields.get('Signature')
  const signedHeaders = parseSignedHeaders(fields.get('SignedHeaders') ?? '')
  if (!credential || !signature || signedHeaders.length === 0) {
    throw headerMalformed('Credential, SignedHeaders and Signature are needed')
  }
  return { credential, signedHeaders, signature }
}

function headerMalformed(problem: string): S3Error {
  return new S3Error(
    'AuthorizationHeaderMalformed',
    `The authorization header is malformed; ${problem}`,
  )
}

function single({ header }: SignedRequest, name: string): string | undefined {
  return header(name)?.[0]
}
