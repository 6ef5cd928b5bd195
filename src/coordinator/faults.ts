import type { ErrorCode } from '../protocol/index.js'
import { UploadError } from './upload-error.js'

/** When a caller may ask again after a service did not answer. */
const RETRY_AFTER_MS = 2_000

/**
 * The same port, whose rejections are `UploadError`s of `code` with the fault as their cause. That is
 * all a rejection of a port means: the service failed, and what the call did is not known.
 */
export function reportingFaults<T extends object>(port: T, code: ErrorCode): T {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => settled(() => Reflect.apply(member, target, args), code)
    },
  })
}

async function settled(call: () => unknown, code: ErrorCode): Promise<unknown> {
  try {
    return await call()
  } catch (cause) {
    throw faultOf(code, cause)
  }
}

/** For what fails after a call of the bucket was answered, such as a stream. */
export function bucketFault(cause: unknown): UploadError {
  return cause instanceof UploadError ? cause : faultOf('BUCKET_UNAVAILABLE', cause)
}

function faultOf(code: ErrorCode, cause: unknown): UploadError {
  const service = code === 'STORE_UNAVAILABLE' ? 'session store' : 'bucket'
  return new UploadError(code, `The ${service} did not answer as it should; try again.`, {
    cause,
    retryAfterMs: RETRY_AFTER_MS,
  })
}
