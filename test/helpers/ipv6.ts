import { networkInterfaces } from 'node:os'

/** Whether this machine has the loopback address of IPv6; some containers have not. */
export function hasIpv6(): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  return addresses.some(({ address }) => address === '::1')
}
