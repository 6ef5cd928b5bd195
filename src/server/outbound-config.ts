import { isIP } from 'node:net'
import type { AllowedPrivate } from '../operations/index.js'
import type { SettingsReader } from './settings-reader.js'

/** Which servers of private networks may be sent to. */
export function outboundOf(read: SettingsReader): AllowedPrivate {
  const name = 'PARTWAY_OUTBOUND_PRIVATE'
  const items = read.list(name).map((item) => item.toLowerCase())
  const [only = 'false', ...others] = items
  if (others.length === 0 && (only === 'true' || only === 'false')) return only === 'true'
  const hosts = items.map((item) => item.replace(/^\[(.*)\]$/, '$1'))
  for (const host of hosts) {
    if (
      isIP(host) !== 0 ||
      /^(?!true$|false$)[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?$/.test(host)
    ) {
      continue
    }
    read.problem(name, 'must be true, or the names or addresses of hosts, without ports', host)
  }
  return hosts
}
