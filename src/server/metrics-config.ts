import { isIP } from 'node:net'
import type { Address } from './listen.js'
import type { SettingsReader } from './settings-reader.js'

const LOOPBACK = '127.0.0.1'

/** Where metrics are read; `undefined` when nowhere. */
export function metricsOf(read: SettingsReader): Address | undefined {
  const name = 'PARTWAY_METRICS'
  const text = read.optional(name)
  if (text === undefined) return undefined
  const [, , bracketed, plain, digits = ''] =
    /^((?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain ?? LOOPBACK
  const port = Number(digits)
  const isHost = isIP(host) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)
  if (digits === '' || port > 65_535 || !isHost) {
    read.problem(name, 'must be a port, or an address and a port such as 127.0.0.1:9464', text)
  }
  return { host, port }
}
