import { isIP } from 'node:net'
import { isLoopback } from './auth/auth-config.js'
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
  const isName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)
  const isHost = bracketed === undefined ? isName : isIP(host) === 6
  if (digits === '' || port > 65_535 || !isHost) {
    read.problem(name, 'must be a port, or an address and a port such as 127.0.0.1:9464', text)
  }
  return { host, port }
}

/** What the operator should know of that address. */
export function metricsConcerns(address: Address | undefined): string[] {
  if (address === undefined || isLoopback(address.host)) return []
  return [
    `PARTWAY_METRICS is on ${address.host}, which is not a loopback address, and asks for no credential: let only your own network reach it.`,
  ]
}
