import { isIP } from 'node:net'
import type { Limits } from '../coordinator/limits.js'
import { CHECKSUM_MODES, type ChecksumMode } from '../protocol/index.js'
import { type AuditConfig, auditOf } from './audit/audit-config.js'
import { type AuthConfig, authOf } from './auth/auth-config.js'
import { type GuardConfig, guardOf } from './guard/guard-config.js'
import { limitsOf } from './limits-config.js'
import type { Address } from './listen.js'
import { metricsConcerns, metricsOf } from './metrics-config.js'
import { type Environment, SettingsReader } from './settings-reader.js'
import { unknownVariables } from './unknown-variables.js'

/** The settings of the standalone server. This room knows the environment here and nowhere else. */
export interface ServerConfig {
  readonly host: string
  readonly port: number
  readonly bucket: BucketConfig
  readonly store: StoreConfig
  /** The first makes ids; what was made by the others is found as well. Never empty. */
  readonly secrets: readonly [string, ...string[]]
  readonly auth: AuthConfig
  /** Absent for the strongest that the bucket can do. */
  readonly checksum?: ChecksumMode
  /** Whether the bucket is asked what it can do. */
  readonly probe: boolean
  readonly urlTtlSeconds: number
  readonly sessionTtlMs: number
  readonly retentionMs: number
  readonly leaseMs: number
  /** Uploads that are worked on besides requests. */
  readonly verifyConcurrency: number
  /** Between two runs of the janitor. */
  readonly janitorIntervalMs: number
  /** Whether the first bytes of objects are compared with their types. */
  readonly checkContent: boolean
  /** Of callers who have none of their own. */
  readonly limits: Limits
  readonly signBudget: number
  readonly keyPrefix: string
  readonly corsOrigins: readonly string[]
  readonly guard: GuardConfig
  /** Whether the page is shown at `/`. */
  readonly page: boolean
  /** Absent for none. */
  readonly audit?: AuditConfig
  /** Where metrics are read. Absent for nowhere. */
  readonly metrics?: Address
  readonly logLevel: LogLevel
}

export interface BucketConfig {
  readonly name: string
  readonly region: string
  readonly endpoint?: string
  readonly publicEndpoint?: string
  readonly forcePathStyle?: boolean
}

export type StoreConfig =
  | { readonly kind: 'sqlite'; readonly path: string }
  /** The URL may hold a password: it is not for logs. */
  | { readonly kind: 'redis'; readonly url: string }

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export type ConfigOutcome =
  | { readonly kind: 'ok'; readonly config: ServerConfig; readonly warnings: readonly string[] }
  /** Everything that is wrong, one sentence each, without any secret. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }

const MIN_SECRET_BYTES = 32

/** S3 keys have at most 1,024 bytes; the id and the name of the file take up to 300 of them. */
const MAX_PREFIX_BYTES = 700

/** Reads `env` (of the process) and tells every problem at once. */
export function readConfig(env: Environment): ConfigOutcome {
  const read = new SettingsReader(env)
  const host = hostOf(read)
  const audit = auditOf(read)
  const metrics = metricsOf(read)
  const config: ServerConfig = {
    host,
    port: read.integer('PARTWAY_PORT', 0, 65_535),
    bucket: bucketOf(read),
    store: storeOf(read),
    secrets: secretsOf(read),
    auth: authOf(read, host),
    ...checksumOf(read),
    probe: read.flag('PARTWAY_PROBE') ?? true,
    urlTtlSeconds: Math.floor(read.durationMs('PARTWAY_URL_TTL', { min: '1s', max: '7d' }) / 1_000),
    sessionTtlMs: read.durationMs('PARTWAY_SESSION_TTL', { min: '1m', max: '365d' }),
    retentionMs: read.durationMs('PARTWAY_RETENTION', { min: '24h', max: '365d' }),
    leaseMs: read.durationMs('PARTWAY_LEASE', { min: '1s', max: '10m' }),
    verifyConcurrency: read.integer('PARTWAY_VERIFY_CONCURRENCY', 0, 64),
    janitorIntervalMs: read.durationMs('PARTWAY_JANITOR_INTERVAL', { min: '1s', max: '24h' }),
    checkContent: read.flag('PARTWAY_CHECK_CONTENT') ?? false,
    limits: limitsOf(read),
    signBudget: read.integer('PARTWAY_SIGN_BUDGET', 1, 1_000),
    keyPrefix: keyPrefixOf(read),
    corsOrigins: corsOriginsOf(read),
    guard: guardOf(read),
    page: read.flag('PARTWAY_PAGE') ?? false,
    ...(audit !== undefined && { audit }),
    ...(metrics !== undefined && { metrics }),
    logLevel: read.oneOf('PARTWAY_LOG_LEVEL', LOG_LEVELS) ?? 'info',
  }
  checkLifetimes(read, config)
  if (read.problems.length > 0) return { kind: 'invalid', problems: read.problems }
  const warnings = [...unknownVariables(env), ...metricsConcerns(metrics)]
  return { kind: 'ok', config: Object.freeze(config), warnings }
}

function checksumOf(read: SettingsReader): { checksum?: ChecksumMode } {
  if (read.optional('PARTWAY_CHECKSUM') === undefined) return {}
  const checksum = read.oneOf('PARTWAY_CHECKSUM', CHECKSUM_MODES)
  return checksum === undefined ? {} : { checksum }
}

function hostOf(read: SettingsReader): string {
  const host = read.text('PARTWAY_HOST').replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)) {
    read.problem('PARTWAY_HOST', 'must be an address or a host name', host)
  }
  return host
}

function checkLifetimes(read: SettingsReader, config: ServerConfig): void {
  if (!read.areFine('PARTWAY_URL_TTL', 'PARTWAY_SESSION_TTL')) return
  if (config.urlTtlSeconds * 1_000 > config.sessionTtlMs) {
    read.problem('PARTWAY_SESSION_TTL', 'must not be shorter than PARTWAY_URL_TTL')
  }
}

function bucketOf(read: SettingsReader): BucketConfig {
  const name = read.required('PARTWAY_BUCKET', 'the name of the bucket')
  if (name !== '' && !/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/.test(name)) {
    read.problem('PARTWAY_BUCKET', 'must be 3 to 63 letters, digits, "-", "." and "_"', name)
  }
  const endpoint = endpointOf(read, 'PARTWAY_S3_ENDPOINT')
  const publicEndpoint = endpointOf(read, 'PARTWAY_S3_PUBLIC_ENDPOINT')
  const forcePathStyle = read.flag('PARTWAY_S3_FORCE_PATH_STYLE')
  return {
    name,
    region: read.text('PARTWAY_S3_REGION'),
    ...(endpoint !== undefined && { endpoint }),
    ...(publicEndpoint !== undefined && { publicEndpoint }),
    ...(forcePathStyle !== undefined && { forcePathStyle }),
  }
}

function endpointOf(
  read: SettingsReader,
  name: 'PARTWAY_S3_ENDPOINT' | 'PARTWAY_S3_PUBLIC_ENDPOINT',
): string | undefined {
  const text = read.optional(name)
  if (text === undefined) return undefined
  const url = parseUrl(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    read.problem(name, 'must be an address such as https://s3.example.com')
  } else if (url.username !== '' || url.password !== '') {
    read.problem(name, 'must not hold credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  } else if (url.search !== '' || url.hash !== '') {
    read.problem(name, 'must have neither a query nor a fragment')
  }
  return text
}

function storeOf(read: SettingsReader): StoreConfig {
  const text = read.text('PARTWAY_STORE')
  const path = text.startsWith('sqlite:') ? text.slice('sqlite:'.length) : ''
  if (path !== '') return { kind: 'sqlite', path }
  if (!/^rediss?:\/\//.test(text) || parseUrl(text) === undefined) {
    read.problem('PARTWAY_STORE', 'must be sqlite:<path>, redis://<host> or rediss://<host>')
  }
  return { kind: 'redis', url: text }
}

function secretsOf(read: SettingsReader): ServerConfig['secrets'] {
  const [first, ...others] = read.secrets('PARTWAY_SECRET')
  if (first === undefined) {
    const advice = 'at least 32 random bytes, such as `openssl rand -base64 48` prints'
    return [read.required('PARTWAY_SECRET', advice)]
  }
  const lengths = [first, ...others].map((secret) => Buffer.byteLength(secret))
  const shortest = Math.min(...lengths)
  if (shortest < MIN_SECRET_BYTES) {
    const which = others.length === 0 ? '' : ' in each of its items, which commas or lines separate'
    const rule = `must have at least ${MIN_SECRET_BYTES} bytes${which}, but has ${shortest}`
    read.problem('PARTWAY_SECRET', rule)
  }
  return [first, ...others]
}

function keyPrefixOf(read: SettingsReader): string {
  const prefix = read.text('PARTWAY_KEY_PREFIX')
  if (
    !/^([A-Za-z0-9!_.*'()-][A-Za-z0-9!_.*'()/-]*)?$/.test(prefix) ||
    /(^|\/)\.{0,2}\/|\/\.{1,2}$/.test(prefix)
  ) {
    read.problem(
      'PARTWAY_KEY_PREFIX',
      'must be letters, digits and !_.*\'()-, in segments separated by single slashes, without "." and ".."',
      prefix,
    )
  } else if (prefix.length > MAX_PREFIX_BYTES) {
    read.problem('PARTWAY_KEY_PREFIX', `must have at most ${MAX_PREFIX_BYTES} bytes`)
  }
  return prefix
}

function corsOriginsOf(read: SettingsReader): string[] {
  const origins = read.list('PARTWAY_CORS_ORIGINS')
  for (const origin of origins) {
    if (parseUrl(origin)?.origin !== origin) {
      const rule = 'must be origins such as https://app.example.com, without a path or a wildcard'
      read.problem('PARTWAY_CORS_ORIGINS', rule, origin)
    }
  }
  return origins
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}
