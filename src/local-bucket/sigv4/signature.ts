import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export const ALGORITHM = 'AWS4-HMAC-SHA256'
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/** What a signature is good for. */
export interface CredentialScope {
  /** `yyyymmdd`, in UTC. */
  readonly day: string
  readonly region: string
  readonly service: string
}

export interface Credential extends CredentialScope {
  readonly accessKeyId: string
}

export function scopeText({ day, region, service }: CredentialScope): string {
  return `${day}/${region}/${service}/aws4_request`
}

/** `undefined` when the text is not `<access key>/<day>/<region>/<service>/aws4_request`. */
export function parseCredential(text: string): Credential | undefined {
  const fields = text.split('/')
  const [end, service, region, day] = fields.slice(-4).reverse()
  const accessKeyId = fields.slice(0, -4).join('/')
  if (!accessKeyId || !day || !region || !service || end !== 'aws4_request') return undefined
  return { accessKeyId, day, region, service }
}

export function stringToSign(canonical: string, time: string, scope: CredentialScope): string {
  return [ALGORITHM, time, scopeText(scope), sha256Hex(canonical)].join('\n')
}

export function signingKey(secret: string, { day, region, service }: CredentialScope): Buffer {
  const steps = [day, region, service, 'aws4_request']
  return steps.reduce<Buffer>((key, step) => hmac(key, step), Buffer.from(`AWS4${secret}`))
}

export function sign(key: Buffer, text: string): string {
  return hmac(key, text).toString('hex')
}

export function sha256Hex(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Takes the same time wherever the two differ. */
export function isSameSignature(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const TIME = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/

/** A time as SigV4 writes it, in ms since the epoch; `undefined` when it is not one. */
export function parseTime(text: string): number | undefined {
  const iso = text.replace(TIME, '$1-$2-$3T$4:$5:$6Z')
  const time = TIME.test(text) ? Date.parse(iso) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
