import { isIP } from 'node:net'
import type { Rate, RateLimits } from '../../http/limited-rates.js'
import { RATE_GROUPS, type RateGroup } from '../../http/rates.js'
import type { SettingsReader } from '../settings-reader.js'
import { parseDuration } from '../units.js'
import type { VariableName } from '../variables.js'

/** What one caller may take of the server. */
export interface GuardConfig {
  readonly rates: RateLimits
  /** Requests of one address at a time. */
  readonly inFlightPerAddress: number
  /** As Express takes it: hops, or addresses and networks. Absent when there is no proxy. */
  readonly trustProxy?: number | readonly string[]
  readonly maxConnections: number
  readonly keepAliveMs: number
}

const RATE_VARIABLES: Readonly<Record<RateGroup, VariableName>> = {
  init: 'PARTWAY_RATE_INIT',
  parts: 'PARTWAY_RATE_PARTS',
  status: 'PARTWAY_RATE_STATUS',
  complete: 'PARTWAY_RATE_COMPLETE',
  other: 'PARTWAY_RATE_OTHER',
}

/** Names that Express knows: https://expressjs.com/en/guide/behind-proxies.html */
const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal']
const MAX_HOPS = 16
const MAX_LIMIT = 1_000_000_000
const DAY_MS = 86_400_000

export function guardOf(read: SettingsReader): GuardConfig {
  const trustProxy = trustProxyOf(read)
  return {
    rates: ratesOf(read),
    inFlightPerAddress: read.integer('PARTWAY_IN_FLIGHT_PER_IP', 1, 100_000),
    ...(trustProxy !== undefined && { trustProxy }),
    maxConnections: read.integer('PARTWAY_MAX_CONNECTIONS', 1, 1_000_000),
    keepAliveMs: read.durationMs('PARTWAY_KEEP_ALIVE', { min: '1s', max: '1h' }),
  }
}

function ratesOf(read: SettingsReader): RateLimits {
  const owner: Partial<Record<RateGroup, Rate>> = {}
  const address: Partial<Record<RateGroup, Rate>> = {}
  for (const group of RATE_GROUPS) {
    const name = RATE_VARIABLES[group]
    const [ofOwner, ofAddress = ofOwner, ...more] = read.list(name)
    if (ofOwner === undefined || more.length > 0) read.problem(name, RULE, read.text(name))
    const ownerRate = rateOf(read, name, ofOwner)
    const addressRate = rateOf(read, name, ofAddress)
    if (ownerRate !== undefined) owner[group] = ownerRate
    if (addressRate !== undefined) address[group] = addressRate
  }
  const name = 'PARTWAY_RATE_REFUSED'
  const refused = rateOf(read, name, read.text(name))
  return { owner, address, ...(refused !== undefined && { refused }) }
}

const RULE = 'must be a rate such as 600/min or 20/10s, or off; or two, for an owner and an address'

function rateOf(read: SettingsReader, name: VariableName, text = 'off'): Rate | undefined {
  if (text === 'off') return undefined
  const [, count = '', window = ''] = /^(\d{1,10})\/(\d*(?:s|m|min|h|d))$/.exec(text) ?? []
  const unit = window.replace('min', 'm')
  const windowMs = parseDuration(/^\d/.test(unit) ? unit : `1${unit}`) ?? 0
  const limit = Number(count)
  if (limit >= 1 && limit <= MAX_LIMIT && windowMs >= 1_000 && windowMs <= DAY_MS) {
    return { limit, windowSeconds: windowMs / 1_000 }
  }
  read.problem(name, RULE, text)
  return undefined
}

function trustProxyOf(read: SettingsReader): number | readonly string[] | undefined {
  const name = 'PARTWAY_TRUST_PROXY'
  if (read.optional(name) === undefined) return undefined
  if (/^\d+$/.test(read.text(name))) return read.integer(name, 1, MAX_HOPS)
  const proxies = read.list(name)
  const wrong = proxies.find((proxy) => !isProxy(proxy))
  if (wrong !== undefined) {
    const rule = `must be a number of proxies, or addresses, networks such as 10.0.0.0/8 and ${PROXY_NAMES.join(', ')}`
    read.problem(name, rule, wrong)
  }
  return proxies
}

function isProxy(text: string): boolean {
  if (PROXY_NAMES.includes(text)) return true
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  // Of length 0 it would be everybody, and everybody's word would be taken.
  return (
    prefix === undefined ||
    (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
  )
}
