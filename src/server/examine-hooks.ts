import type { Clock } from '../coordinator/ports.js'
import { createOutbound, type ReachOutcome } from '../operations/index.js'
import type { ServerConfig } from './config.js'

export interface HookFinding {
  readonly level: 'ok' | 'less' | 'broken'
  readonly text: string
}

/** For `partway doctor`: whether hooks could be asked and told now. Nothing is sent to them. */
export async function examineHooks(config: ServerConfig, clock: Clock): Promise<HookFinding[]> {
  const found = [examineInitHook(config, clock), examineWebhooks(config, clock)]
  return (await Promise.all(found)).flat()
}

async function examineWebhooks(
  { webhooks, outboundPrivate }: ServerConfig,
  clock: Clock,
): Promise<HookFinding[]> {
  const outbound = createOutbound({ clock, allowPrivate: outboundPrivate })
  const endpoints = webhooks?.endpoints ?? []
  const examined = endpoints.map(async ({ target, url }): Promise<HookFinding> => {
    const which = `Endpoint ${target} of PARTWAY_WEBHOOK_URL`
    const trouble = troubleIn(await outbound.reach(url), 'within 10 s')
    if (trouble === undefined) return { level: 'ok', text: `${which} can be reached.` }
    return { level: 'less', text: `${which} ${trouble}` }
  })
  return Promise.all(examined)
}

async function examineInitHook(
  { initHook, outboundPrivate }: ServerConfig,
  clock: Clock,
): Promise<HookFinding[]> {
  if (initHook === undefined) return []
  const { url, timeoutMs } = initHook
  const outbound = createOutbound({ clock, allowPrivate: outboundPrivate, timeoutMs })
  const trouble = troubleIn(await outbound.reach(url), 'within PARTWAY_INIT_HOOK_TIMEOUT')
  if (trouble === undefined) {
    return [{ level: 'ok', text: 'The server of PARTWAY_INIT_HOOK_URL can be reached.' }]
  }
  const text = `Nobody can begin an upload: the server of PARTWAY_INIT_HOOK_URL ${trouble}`
  return [{ level: 'broken', text }]
}

function troubleIn(outcome: ReachOutcome, inTime: string): string | undefined {
  if (outcome.kind === 'reached') return undefined
  if (outcome.kind === 'refused') {
    return 'is on a private network. If that is meant, name its host in PARTWAY_OUTBOUND_PRIVATE.'
  }
  const { why, code } = outcome
  if (why === 'timeout') return `does not answer ${inTime}.`
  return `cannot be reached${code === undefined ? '' : ` (${code})`}.`
}
