import { isIP, isIPv4 } from 'node:net'
import type { Request } from 'express'

/** Of an IPv6 address: whoever has one has the other 2^64 of the same network as well (RFC 6177). */
const NETWORK_GROUPS = 4
const GROUPS = 8

/**
 * What the caller of a request is counted by: an IPv4 address, or the /64 network of an IPv6 address.
 * Express says who the caller is, so `X-Forwarded-For` counts only as far as its `trust proxy` goes.
 */
export function clientNetwork(req: Request): string {
  return networkOf(req.ip) ?? networkOf(req.socket.remoteAddress) ?? 'unknown'
}

/** `undefined` for what is no address: a proxy may add a port, or pass on what a client made up. */
export function networkOf(address: string | undefined): string | undefined {
  const bare = address?.replace(/%.*$/, '') ?? ''
  if (isIP(bare) === 0) return undefined
  if (isIPv4(bare)) return bare
  const groups = groupsOf(bare)
  return mappedIpv4(groups) ?? `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`
}

/** The eight groups. A URL writes any spelling in one way (RFC 5952), without an IPv4 part at its end. */
function groupsOf(ipv6: string): string[] {
  const spelling = new URL(`http://[${ipv6}]`).hostname.slice(1, -1)
  const [head = '', tail] = spelling.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(GROUPS - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after]
}

/** `::ffff:192.0.2.1` is how an IPv4 caller looks to a socket that takes both (RFC 4291 section 2.5.5.2). */
function mappedIpv4(groups: readonly string[]): string | undefined {
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return undefined
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
