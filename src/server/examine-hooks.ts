import type { Clock } from '../coordinator/ports.js'
import { createOutbound, type ReachOutcome } from '../operations/index.js'
import type { ServerConfig } from './config.js'

export interface HookFinding {
  readonly level: 'ok' | 'broken'
  readonly text: string
}

/** For `partway doctor`: whether the hook could be asked now. Nothing is sent to it. */
export async function examineHooks(
  { initHook, outboundPrivate }: ServerConfig,
  clock: Clock,
): Promise<HookFinding[]> {
  if (initHook === undefined) return []
  const { url, timeoutMs } = initHook
  const outbound = createOutbound({ clock, allowPrivate: outboundPrivate, timeoutMs })
  const trouble = troubleIn(await outbound.reach(url))
  if (trouble === undefined) {
    return [{ level: 'ok', text: 'The server of PARTWAY_INIT_HOOK_URL can be reached.' }]
  }
  const text = `Nobody can begin an upload: the server of PARTWAY_INIT_HOOK_URL ${trouble}`
  return [{ level: 'broken', text }]
}

function troubleIn(outcome: ReachOutcome): string | undefined {
  if (outcome.kind === 'reached') return undefined
  if (outcome.kind === 'refused') {
    return 'is on a private network. If that is meant, name its host in PARTWAY_OUTBOUND_PRIVATE.'
  }
  const { why, code } = outcome
  if (why === 'timeout') return 'does not answer within PARTWAY_INIT_HOOK_TIMEOUT.'
  return `cannot be reached${code === undefined ? '' : ` (${code})`}.`
}
