import {
  type AllowedPrivate,
  type OutboundRefusal,
  outboundRefusal,
  signingSecretProblem,
  type WebhookEndpoint,
} from '../../operations/index.js'
import { EVENT_TYPES, type EventType } from '../../protocol/index.js'
import type { SettingsReader } from '../settings-reader.js'

export interface WebhookConfig {
  /** Not empty. A URL may hold a secret: it is not for logs. */
  readonly endpoints: readonly WebhookEndpoint[]
  readonly types: readonly EventType[]
}

const RULES: Record<OutboundRefusal, string> = {
  url: 'must be a URL such as https://app.example.com/hooks/uploads',
  scheme: 'must begin with https:, or name a host of PARTWAY_OUTBOUND_PRIVATE',
  credentials: 'must not hold credentials: what is sent is signed with PARTWAY_WEBHOOK_SECRET',
  address: 'must be on the internet, or name a host of PARTWAY_OUTBOUND_PRIVATE',
}

/** Who is told of what; `undefined` when nobody. */
export function webhooksOf(
  read: SettingsReader,
  allowPrivate: AllowedPrivate,
): WebhookConfig | undefined {
  const urls = read.list('PARTWAY_WEBHOOK_URL')
  const secrets = secretsOf(read)
  const types = typesOf(read)
  if (urls.length === 0) return undefined
  urls.forEach((url, position) => {
    const refusal = outboundRefusal(url, allowPrivate)
    const which = urls.length === 1 ? '' : ` (item ${position + 1})`
    if (refusal !== undefined) read.problem('PARTWAY_WEBHOOK_URL', `${RULES[refusal]}${which}`)
  })
  if (secrets.length === 0) {
    read.problem('PARTWAY_WEBHOOK_SECRET', 'is required: it signs what is sent')
  }
  // By its place, so that an address may change while events wait for it.
  const endpoints = urls.map((url, position) => ({ target: String(position + 1), url, secrets }))
  return { endpoints, types }
}

function secretsOf(read: SettingsReader): string[] {
  const secrets = read.secrets('PARTWAY_WEBHOOK_SECRET')
  const [problem] = secrets.map(signingSecretProblem).filter((one) => one !== undefined)
  if (problem !== undefined) read.problem('PARTWAY_WEBHOOK_SECRET', problem)
  return secrets
}

function typesOf(read: SettingsReader): readonly EventType[] {
  const names = read.list('PARTWAY_WEBHOOK_EVENTS')
  if (names.length === 0) return EVENT_TYPES
  const types = EVENT_TYPES.filter((type) => names.includes(type))
  const unknown = names.find((name) => !EVENT_TYPES.some((type) => type === name))
  if (unknown !== undefined) {
    const rule = `must be some of ${EVENT_TYPES.join(', ')}`
    read.problem('PARTWAY_WEBHOOK_EVENTS', rule, unknown)
  }
  return types
}
