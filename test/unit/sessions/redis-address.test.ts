import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { parseRedisAddress } from '../../../src/sessions/redis/address.js'
import { newCluster } from '../../../src/sessions/redis/cluster-connection.js'
import { connectRedisSessionStore } from '../../../src/sessions/redis/index.js'

const addressOf = (url: string) => {
  const outcome = parseRedisAddress(url)
  return outcome.kind === 'ok' ? outcome.address : outcome.problem
}

describe('the URL of a Redis', () => {
  it.each(['redis://h', 'rediss://:p%40ss@h:1/2?family=6'])(
    'is left to ioredis where it names one: %s',
    (url) => {
      expect(addressOf(url)).toEqual({ kind: 'single', url })
    },
  )

  it('names some nodes of a Cluster', () => {
    expect(addressOf('redis+cluster://a,b:7001,[::1]:7002')).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7001 },
        { host: '::1', port: 7002 },
      ],
      login: {},
      tls: false,
    })
    expect(addressOf('rediss+cluster://ada:p%40%3A%2F@a/0')).toMatchObject({
      login: { username: 'ada', password: 'p@:/' },
      tls: true,
    })
  })

  it('names Sentinels, their primary, and the passwords of both', () => {
    const url =
      'rediss+sentinel://:pw@a,b:5/my%20primary?db=3&sentinelUsername=eve&sentinelPassword=x%26y'
    expect(addressOf(url)).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 5 },
      ],
      name: 'my primary',
      db: 3,
      login: { password: 'pw' },
      sentinelLogin: { username: 'eve', password: 'x&y' },
      tls: true,
    })
    expect(addressOf('redis+sentinel://a/m')).toMatchObject({ db: 0, login: {}, sentinelLogin: {} })
  })

  it.each([
    ['http://h', /redis\+cluster/],
    ['redis+proxy://h/x', /redis\+sentinel/],
    ['redis://h:x', /valid host/],
    ['redis+cluster://', /hosts such as/],
    ['redis+cluster://a,,b', /hosts such as/],
    ['redis+cluster://a:0', /hosts such as/],
    ['redis+cluster://a:65536', /hosts such as/],
    ['redis+cluster://a/1', /database/],
    ['redis+cluster://a?db=1', /query/],
    ['redis+cluster://pw@a', /:password@/],
    ['redis+cluster://:p@w@a', /%40/],
    ['redis+cluster://:%zz@a', /percent-encoded/],
    ['redis+sentinel://a', /name of the primary/],
    ['redis+sentinel://a/', /name of the primary/],
    ['redis+sentinel://a/m/0', /name of the primary/],
    ['redis+sentinel://a/m?db=x', /whole number/],
    ['redis+sentinel://a/m?password=x', /only db, sentinelUsername, sentinelPassword/],
  ])('is refused with a reason, which repeats nothing of it: %s', async (url, reason) => {
    expect(addressOf(url)).toMatch(reason)
    await expect(connectRedisSessionStore(url)).rejects.toThrow(RangeError)
    const marked = addressOf(url.replace('a', 'secret').replace('p@w', 'secret'))
    expect(String(marked)).not.toContain('secret')
  })
})

describe('a node of a Cluster', () => {
  it('may go away when it is asked out of turn, and the process goes on', async () => {
    const cluster = newCluster({ kind: 'cluster', nodes: [], login: {}, tls: false })
    const node = new Redis({ lazyConnect: true, enableOfflineQueue: false, port: 9 })
    node.on('error', () => {})
    cluster.emit('+node', node)
    // As ioredis calls it. A rejection that nobody hears fails the run.
    void node.asking()
    await expect(node.asking()).rejects.toThrow()
    node.disconnect()
    cluster.disconnect()
  })
})
