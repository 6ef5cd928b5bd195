import type { S3Client } from '@aws-sdk/client-s3'

/**
 * Has `headers` sent with every request of the client. They are added when the request has been signed: the signature
 * does not cover them, so a proxy on the way may change them or take them away.
 */
export function sendUnsigned(client: S3Client, headers: () => Record<string, string>): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args
      if (hasHeaders(request)) Object.assign(request.headers, headers())
      return next(args)
    },
    { step: 'deserialize', priority: 'low', name: 'unsignedHeaders' },
  )
}

function hasHeaders(request: unknown): request is { readonly headers: object } {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return false
  return typeof request.headers === 'object' && request.headers !== null
}
