import { S3Error } from '../s3-error.js'
import type { Proven, SignedRequest, Verifier } from './verify.js'
import { verifyHeader } from './verify-header.js'
import { verifyQuery } from './verify-query.js'

/** Whether a request is signed, and by whom it should be. Nothing is allowed to strangers. */
export function authenticate(request: SignedRequest, verifier: Verifier): Proven {
  const names = new Set(request.query.map(([name]) => name))
  const inHeader = request.header('authorization') !== undefined
  const inQuery = names.has('X-Amz-Algorithm') || names.has('X-Amz-Signature')
  if (inHeader && inQuery) {
    throw new S3Error('InvalidArgument', 'Only one auth mechanism allowed')
  }
  if (names.has('X-Amz-Security-Token') || request.header('x-amz-security-token') !== undefined) {
    throw new S3Error('InvalidToken', 'There are no temporary credentials here')
  }
  if (inHeader) return verifyHeader(request, verifier)
  if (inQuery) return verifyQuery(request, verifier)
  throw new S3Error('AccessDenied', 'Access Denied: the request is not signed')
}
