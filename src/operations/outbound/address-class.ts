import { BlockList, isIP } from 'node:net'

/**
 * Where an address leads: `public` to the internet, `private` to this machine or a network of the operator's, `never` where
 * nobody has a web server of their own that should be asked: what tells a machine its credentials, groups, the
 * unspecified address, and what is reserved.
 */
export type AddressClass = 'public' | 'private' | 'never'

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and 224.0.0.0/3 of groups and reserved ones. */
const NEVER_4 = list('ipv4', [
  ['0.0.0.0', 8],
  // Link-local: 169.254.169.254 gives a cloud's machines their credentials.
  ['169.254.0.0', 16],
  // The same at Alibaba and at Azure.
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
])

const PRIVATE_4 = list('ipv4', [
  ['10.0.0.0', 8],
  // Behind a carrier's NAT (RFC 6598).
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
])

/** Of https://www.iana.org/assignments/iana-ipv6-special-registry, what is within 2000::/3, and two clouds' own. */
const NEVER_6 = list('ipv6', [
  // Credentials at AWS and at Google.
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
  // Teredo, benchmarks and other protocols; documentation; 6to4.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])

const PRIVATE_6 = list('ipv6', [
  ['::1', 128],
  ['fc00::', 7],
])

/** All of IPv6 that is given out for the internet. */
const PUBLIC_6 = list('ipv6', [['2000::', 3]])

/** What stands for an IPv4 address: IPv4-mapped ones, and the well-known prefix of NAT64 (RFC 6052). */
const CARRIES_4 = list('ipv6', [
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
])

/** Of anything but an address, `never`. */
export function classOf(address: string): AddressClass {
  const family = isIP(address)
  if (family === 4) return classOf4(address)
  // A zone, after `%`, belongs to link-local addresses only.
  if (family !== 6 || address.includes('%')) return 'never'
  if (CARRIES_4.check(address, 'ipv6')) return classOf4(lastBytes(address))
  if (NEVER_6.check(address, 'ipv6')) return 'never'
  if (PRIVATE_6.check(address, 'ipv6')) return 'private'
  return PUBLIC_6.check(address, 'ipv6') ? 'public' : 'never'
}

function classOf4(address: string): AddressClass {
  if (NEVER_4.check(address, 'ipv4')) return 'never'
  return PRIVATE_4.check(address, 'ipv4') ? 'private' : 'public'
}

/** The last 32 bits of an IPv6 address, as an IPv4 one. */
function lastBytes(address: string): string {
  // The URL standard writes every such address in one form, without dots.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':')
  const bytes = groups.slice(-2).flatMap((group) => {
    const value = Number.parseInt(group || '0', 16)
    return [value >> 8, value & 0xff]
  })
  return bytes.join('.')
}

function list(family: 'ipv4' | 'ipv6', subnets: readonly (readonly [string, number])[]): BlockList {
  const made = new BlockList()
  for (const [net, prefix] of subnets) made.addSubnet(net, prefix, family)
  return made
}
