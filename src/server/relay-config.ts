import type { RelayOptions } from '../http/relay.js'
import type { SettingsReader } from './settings-reader.js'

/** How parts go through the server. */
export type RelayConfig = Required<Pick<RelayOptions, 'concurrency' | 'timeoutMs'>>

/** `undefined` for not at all. */
export function relayConfigOf(read: SettingsReader): RelayConfig | undefined {
  const isOn = read.flag('PARTWAY_RELAY') ?? false
  const config: RelayConfig = {
    concurrency: read.integer('PARTWAY_RELAY_CONCURRENCY', 1, 1_000),
    timeoutMs: read.durationMs('PARTWAY_RELAY_TIMEOUT', { min: '1s', max: '24h' }),
  }
  return isOn ? config : undefined
}
