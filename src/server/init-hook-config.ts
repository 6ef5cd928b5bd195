import type { AllowedPrivate, OutboundRefusal } from '../operations/index.js'
import { outboundRefusal, signingSecretProblem } from '../operations/index.js'
import type { SettingsReader } from './settings-reader.js'

/** Whom the server asks before each upload. */
export interface InitHookConfig {
  /** It may hold a password in its path or query: it is not for logs. */
  readonly url: string
  /** Messages are signed with each. Never empty. */
  readonly secrets: readonly string[]
  readonly timeoutMs: number
}

const REFUSALS: Readonly<Record<OutboundRefusal, string>> = {
  url: 'must be an address such as https://hooks.example.com/uploads',
  scheme: 'must begin with https://, unless PARTWAY_OUTBOUND_PRIVATE allows its host',
  credentials: 'must not hold credentials; the hook is to check the signature',
  address: 'must not lead to a private network, unless PARTWAY_OUTBOUND_PRIVATE allows its host',
}

/** `undefined` when nobody is asked. */
export function initHookOf(
  read: SettingsReader,
  outboundPrivate: AllowedPrivate,
): InitHookConfig | undefined {
  const url = read.optional('PARTWAY_INIT_HOOK_URL')
  const secrets = read.secrets('PARTWAY_INIT_HOOK_SECRET')
  const timeoutMs = read.durationMs('PARTWAY_INIT_HOOK_TIMEOUT', { min: '100ms', max: '30s' })
  if (url === undefined) {
    if (secrets.length > 0) {
      read.problem('PARTWAY_INIT_HOOK_SECRET', 'is of no use without PARTWAY_INIT_HOOK_URL')
    }
    return undefined
  }
  const refusal = outboundRefusal(url, outboundPrivate)
  if (refusal !== undefined) read.problem('PARTWAY_INIT_HOOK_URL', REFUSALS[refusal])
  if (secrets.length === 0) {
    read.required('PARTWAY_INIT_HOOK_SECRET', 'the hook knows by it who is asking')
  }
  const problem = secrets.map(signingSecretProblem).find((one) => one !== undefined)
  if (problem !== undefined) read.problem('PARTWAY_INIT_HOOK_SECRET', problem)
  return { url, secrets, timeoutMs }
}
