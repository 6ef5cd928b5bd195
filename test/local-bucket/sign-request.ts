import { canonicalRequest } from '../../src/local-bucket/sigv4/canonical-request.js'
import { sign, signingKey, stringToSign } from '../../src/local-bucket/sigv4/signature.js'
import { LOCAL_CREDENTIALS } from '../helpers/local-bucket.js'

/** The headers of a request, signed: for requests that no SDK would make. All of them are signed. */
export function signedHeaders(
  method: string,
  url: string,
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const { host, pathname } = new URL(url)
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const headers: Record<string, string> = { ...more, host, 'x-amz-date': time }
  const names = Object.keys(headers).sort()
  const canonical = canonicalRequest({
    method,
    path: decodeURIComponent(pathname),
    query: [],
    header: (name) => [headers[name] ?? ''],
    signedHeaders: names,
    payloadHash: more['x-amz-content-sha256'] ?? '',
  })
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
  const scope = { day: time.slice(0, 8), region: 'us-east-1', service: 's3' }
  const key = signingKey(secretAccessKey, scope)
  const signature = sign(key, stringToSign(canonical, time, scope))
  const credential = `${accessKeyId}/${scope.day}/us-east-1/s3/aws4_request`
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...headers, authorization }
}
