import { describe, expect, it } from 'vitest'
import { networkOf } from '../../../src/http/client-address.js'

describe('the network that a caller is counted by', () => {
  it('is the address itself in IPv4, however a socket spells it', () => {
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1')
    expect(networkOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(networkOf('::FFFF:c000:201')).toBe('192.0.2.1')
  })

  it('is the /64 in IPv6, so that hopping from address to address within it is of no use', () => {
    const network = '2001:db8:0:1::/64'
    for (const address of [
      '2001:db8:0:1::1',
      '2001:DB8:0:1:ffff:ffff:ffff:ffff',
      '2001:db8::1:0:0:0:9',
    ]) {
      expect(networkOf(address), address).toBe(network)
    }
    expect(networkOf('2001:db8:0:2::1')).not.toBe(network)
    expect(networkOf('2001:db8:0:1:2::')).toBe(network)
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
    expect(networkOf('::1')).toBe('0:0:0:0::/64')
  })

  it.each([
    undefined,
    '',
    'unknown',
    '192.0.2.1:1234',
    '_hidden',
    '1.2.3',
    '::g',
    'x'.repeat(10_000),
  ])('is none for %j', (text) => expect(networkOf(text)).toBeUndefined())
})
