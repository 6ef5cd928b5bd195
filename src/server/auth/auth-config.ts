import { isIP } from 'node:net'
import type { SettingsReader } from '../settings-reader.js'
import type { JwtRules } from './jwt-verifier.js'

export type AuthConfig =
  | { readonly kind: 'none' }
  /** `file`: its path. */
  | { readonly kind: 'token'; readonly file: string }
  | JwtConfig

export interface JwtConfig extends JwtRules {
  readonly kind: 'jwt'
  readonly keys:
    | { readonly kind: 'jwks'; readonly url: string }
    | { readonly kind: 'secret'; readonly secrets: readonly string[] }
}

/** With the least bytes of a secret for each (RFC 7518 section 3.2). */
const SECRET_ALGORITHMS: ReadonlyMap<string, number> = new Map([
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
])

/** Of keys that anybody may know. None of the above: whoever knows a public key could sign with it. */
const PUBLIC_ALGORITHMS: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/** Reads how callers show who they are. `host` is where the server listens. */
export function authOf(read: SettingsReader, host: string): AuthConfig {
  const kind = read.oneOf('PARTWAY_AUTH', ['none', 'token', 'jwt'])
  switch (kind) {
    case 'token':
      return { kind, file: read.required('PARTWAY_TOKENS_FILE', 'the file of tokens') }
    case 'jwt':
      return jwtOf(read)
    default:
      if (kind === 'none') {
        checkAnonymous(read, host)
        checkUnused(read)
      }
      return { kind: 'none' }
  }
}

function checkAnonymous(read: SettingsReader, host: string): void {
  const isMeant = read.flag('PARTWAY_ALLOW_ANONYMOUS') ?? false
  if (isMeant || !read.areFine('PARTWAY_HOST') || isLoopback(host)) return
  read.problem(
    'PARTWAY_AUTH',
    `is none, so anybody who reaches ${host} could upload; set it to token or jwt, listen on 127.0.0.1, or set PARTWAY_ALLOW_ANONYMOUS=true if that is meant`,
  )
}

/** Whoever has set one of these believes that callers are asked who they are. */
function checkUnused(read: SettingsReader): void {
  const names = ['PARTWAY_TOKENS_FILE', 'PARTWAY_JWT_JWKS_URL', 'PARTWAY_JWT_SECRET'] as const
  for (const name of names.filter((known) => read.optional(known) !== undefined)) {
    read.problem(name, 'is set, but PARTWAY_AUTH is none: set it to token or jwt')
  }
}

function jwtOf(read: SettingsReader): JwtConfig {
  const keys = keysOf(read)
  const known = keys.kind === 'jwks' ? PUBLIC_ALGORITHMS : [...SECRET_ALGORITHMS.keys()]
  const algorithms = algorithmsOf(
    read,
    known,
    keys.kind === 'jwks' ? ['RS256', 'ES256'] : ['HS256'],
  )
  if (keys.kind === 'secret') checkSecrets(read, keys.secrets, algorithms)
  const audiences = read.list('PARTWAY_JWT_AUDIENCE')
  if (audiences.length === 0) read.required('PARTWAY_JWT_AUDIENCE', 'whom tokens must be meant for')
  const type = read.optional('PARTWAY_JWT_TYPE')
  const limitsClaim = read.optional('PARTWAY_JWT_LIMITS_CLAIM')
  return {
    kind: 'jwt',
    keys,
    algorithms,
    issuer: read.required('PARTWAY_JWT_ISSUER', 'who must have issued tokens'),
    audiences,
    ...(type !== undefined && { type }),
    ownerClaim: read.text('PARTWAY_JWT_OWNER_CLAIM'),
    ...(limitsClaim !== undefined && { limitsClaim }),
  }
}

function keysOf(read: SettingsReader): JwtConfig['keys'] {
  const url = read.optional('PARTWAY_JWT_JWKS_URL')
  const secrets = read.secrets('PARTWAY_JWT_SECRET')
  if ((url === undefined) === (secrets.length === 0)) {
    read.problem('PARTWAY_JWT_JWKS_URL', 'or PARTWAY_JWT_SECRET is required, and not both')
  } else if (url !== undefined && !isSafeUrl(url)) {
    const rule = 'must be an https address without credentials; http is for loopback alone'
    read.problem('PARTWAY_JWT_JWKS_URL', rule)
  }
  return url === undefined ? { kind: 'secret', secrets } : { kind: 'jwks', url }
}

/** Whoever can change the keys on their way can sign any token. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  const isLocal = isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))
  return protocol === 'https:' || (protocol === 'http:' && isLocal)
}

function algorithmsOf(
  read: SettingsReader,
  known: readonly string[],
  defaults: readonly string[],
): readonly string[] {
  const algorithms = read.list('PARTWAY_JWT_ALGORITHMS')
  const unknown = algorithms.find((algorithm) => !known.includes(algorithm))
  if (unknown !== undefined) {
    const rule = `must be of ${known.join(', ')}, which is what such keys sign with`
    read.problem('PARTWAY_JWT_ALGORITHMS', rule, unknown)
  }
  return algorithms.length === 0 ? defaults : algorithms
}

function checkSecrets(
  read: SettingsReader,
  secrets: readonly string[],
  algorithms: readonly string[],
): void {
  const least = Math.max(...algorithms.map((name) => SECRET_ALGORITHMS.get(name) ?? 0))
  if (secrets.some((secret) => Buffer.byteLength(secret) < least)) {
    read.problem('PARTWAY_JWT_SECRET', `must have at least ${least} bytes for ${algorithms.join()}`)
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
