import { getEventListeners, once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  createOutbound,
  type OutboundOptions,
} from '../../../../src/operations/outbound/create-outbound.js'
import { outboundRefusal } from '../../../../src/operations/outbound/target.js'
import { TestClock } from '../../../helpers/test-clock.js'
import { testServer } from './outbound-server.js'
import { drip, rawServer } from './raw-server.js'
import { selfSigned } from './self-signed.js'

const body = '{"type":"upload.completed"}'

function outbound(options: Partial<OutboundOptions> = {}) {
  return createOutbound({ clock: new TestClock(), ...options })
}

/** Gives each look-up the next of these, and counts them. */
function namesOf(...answers: readonly (readonly string[])[]) {
  const asked: string[] = []
  const lookup = async (host: string) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(host)
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  return { lookup, asked }
}

describe('a message', () => {
  it('arrives as it was given, and the answer comes back', async () => {
    const server = await testServer((res) => res.writeHead(202, { 'x-any': 'one' }).end('thanks'))
    const outcome = await outbound({ allowPrivate: true }).post(
      `http://127.0.0.1:${server.port}/hook?a=1`,
      { body, headers: { 'content-type': 'application/json', 'webhook-id': 'msg_1' } },
    )
    expect(outcome).toEqual({
      kind: 'answered',
      status: 202,
      body: Buffer.from('thanks'),
      isCut: false,
    })
    const [got] = server.received
    expect(got).toMatchObject({ url: '/hook?a=1', method: 'POST', body })
    expect(got?.headers).toEqual({
      host: `127.0.0.1:${server.port}`,
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
      'content-length': String(Buffer.byteLength(body)),
      'accept-encoding': 'identity',
      connection: 'close',
    })
  })

  it('goes to the address that the name was resolved to, under its name', async () => {
    const server = await testServer((res) => res.end())
    const { lookup, asked } = namesOf(['127.0.0.1'])
    const url = `http://hooks.internal.test:${server.port}/`
    const outcome = await outbound({ allowPrivate: ['hooks.internal.test'], lookup }).post(url, {
      body,
    })
    expect(outcome).toMatchObject({ kind: 'answered', status: 200 })
    expect(server.received[0]?.headers.host).toBe(`hooks.internal.test:${server.port}`)
    expect(asked).toEqual(['hooks.internal.test'])
  })

  it.each([
    ['120', 120_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
  ])('is told when to come back: %s', async (header, expected) => {
    const server = await testServer((res) => res.writeHead(503, { 'retry-after': header }).end())
    const clock = { now: () => Date.UTC(2026, 0, 1), sleep: async () => {} }
    const outcome = await outbound({ allowPrivate: true, clock }).post(
      `http://127.0.0.1:${server.port}/`,
      { body },
    )
    expect(outcome).toMatchObject({ kind: 'answered', status: 503 })
    expect(outcome.kind === 'answered' && outcome.retryAfterMs).toBe(expected)
  })

  it('cannot bring headers of its own making', async () => {
    const server = await testServer((res) => res.end())
    const url = `http://127.0.0.1:${server.port}/`
    const sender = outbound({ allowPrivate: true })
    for (const headers of [
      { 'x-a': 'b\r\nx-evil: 1' },
      { 'x-a\r\nx-evil': '1' },
      { Host: 'other.test' },
      { 'Transfer-Encoding': 'chunked' },
      { 'proxy-authorization': 'x' },
    ]) {
      await expect(sender.post(url, { body, headers })).rejects.toThrow(TypeError)
    }
    await sender.post(`${url}a\r\nx-evil: 1`, { body })
    expect(server.received.map((one) => one.headers['x-evil'])).toEqual([undefined])
    expect(server.received[0]?.url).toBe('/ax-evil:%201')
  })
})

describe('an address that nothing is sent to', () => {
  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.01/',
    'https://①②⑦.0.0.1/',
    'https://0/',
    'https://10.0.0.1:8443/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
  ])('is refused as %s', async (url) => {
    const refused = { kind: 'refused', why: 'address' }
    expect(await outbound().post(url, { body })).toEqual(refused)
    expect(outboundRefusal(url, false)).toBe('address')
  })

  it.each([
    [['127.0.0.1']],
    [['::1']],
    [['169.254.169.254']],
    [['::ffff:10.0.0.1']],
    [['93.184.215.14', '10.0.0.1']],
    [['10.0.0.1', '2606:4700:4700::1111']],
  ])('is refused when the name resolves to %s', async (addresses) => {
    const { lookup, asked } = namesOf(addresses)
    const sender = outbound({ lookup })
    expect(outboundRefusal('https://hooks.test/', false)).toBeUndefined()
    expect(await sender.post('https://hooks.test/', { body })).toEqual({
      kind: 'refused',
      why: 'address',
    })
    expect(asked).toEqual(['hooks.test'])
  })

  it('is not reached by a name that leads elsewhere the second time', async () => {
    const server = await testServer((res) => res.end())
    const { lookup, asked } = namesOf(['127.0.0.1'], ['169.254.169.254'], ['0.0.0.0'])
    const sender = outbound({ lookup, allowPrivate: ['hooks.test'] })
    const url = `http://hooks.test:${server.port}/`
    expect(await sender.post(url, { body })).toMatchObject({ kind: 'answered' })
    // One look-up a message: what was checked is what was connected to.
    expect(asked).toHaveLength(1)
    const refused = { kind: 'refused', why: 'address' }
    expect(await sender.post(url, { body })).toEqual(refused)
    // To Linux 0.0.0.0 is this machine.
    expect(await sender.post(url, { body })).toEqual(refused)
    expect(asked).toHaveLength(3)
    expect(server.connections()).toBe(1)
  })

  it('stays refused where private networks are allowed, when it gives credentials of machines', async () => {
    const sender = outbound({ allowPrivate: true })
    for (const url of [
      'http://169.254.169.254/',
      'http://[::ffff:169.254.169.254]/',
      'http://0/',
    ]) {
      expect(await sender.post(url, { body })).toEqual({ kind: 'refused', why: 'address' })
    }
  })

  it('is not reached by a redirect, which is an answer', async () => {
    const inner = await testServer((res) => res.end('secret'))
    const server = await testServer((res, { url }) => {
      const location =
        url === '/meta' ? 'http://169.254.169.254/' : `http://127.0.0.1:${inner.port}/`
      res.writeHead(url === '/meta' ? 302 : 307, { location }).end()
    })
    const sender = outbound({ allowPrivate: true })
    const base = `http://127.0.0.1:${server.port}`
    expect(await sender.post(`${base}/meta`, { body })).toMatchObject({ status: 302 })
    expect(await sender.post(`${base}/inner`, { body })).toMatchObject({ status: 307 })
    expect(inner.connections()).toBe(0)
  })
})

describe('a URL', () => {
  it.each([
    ['not a URL', 'url'],
    ['https://', 'url'],
    ['http://hooks.test/', 'scheme'],
    ['ftp://hooks.test/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['unix:/var/run/docker.sock', 'scheme'],
    ['https://user:pass@hooks.test/', 'credentials'],
    ['https://token@hooks.test/', 'credentials'],
  ])('such as %s is refused: %s', async (url, why) => {
    expect(await outbound().post(url, { body })).toEqual({ kind: 'refused', why })
  })

  it('is only as private as the list of hosts says', () => {
    const allowed = ['Hooks.internal', '10.0.0.7', '::1']
    expect(outboundRefusal('http://hooks.INTERNAL/', allowed)).toBeUndefined()
    expect(outboundRefusal('https://10.0.0.7/', allowed)).toBeUndefined()
    expect(outboundRefusal('http://[::1]:8080/', allowed)).toBeUndefined()
    expect(outboundRefusal('https://10.0.0.8/', allowed)).toBe('address')
    expect(outboundRefusal('http://other.internal/', allowed)).toBe('scheme')
    expect(outboundRefusal('http://sub.hooks.internal/', allowed)).toBe('scheme')
  })

  it('without TLS leads to private networks only', () => {
    expect(outboundRefusal('http://1.1.1.1/', true)).toBe('address')
    expect(outboundRefusal('https://1.1.1.1/', true)).toBeUndefined()
  })
})

describe('a server that', () => {
  it('never ends its answer is read to the limit', async () => {
    const server = await testServer((res) => {
      const more = () => {
        while (!res.destroyed && res.write(Buffer.alloc(64 * 1024, 'a')));
      }
      res.on('drain', more)
      more()
    })
    const outcome = await outbound({ allowPrivate: true }).post(
      `http://127.0.0.1:${server.port}/`,
      { body },
    )
    expect(outcome).toMatchObject({ kind: 'answered', status: 200, isCut: true })
    expect(outcome.kind === 'answered' && outcome.body.length).toBe(64 * 1024)
  })

  it('sends a bomb gets it counted as it came, for nothing is unpacked', async () => {
    const server = await testServer((res) =>
      res.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.alloc(1_000, 7)),
    )
    const outcome = await outbound({ allowPrivate: true, maxAnswerBytes: 1_000 }).post(
      `http://127.0.0.1:${server.port}/`,
      { body },
    )
    expect(outcome).toMatchObject({ body: Buffer.alloc(1_000, 7), isCut: false })
  })

  it.each([
    ['says nothing', () => {}],
    [
      'sends its headers byte by byte',
      (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx-a: '),
    ],
    [
      'sends its body byte by byte',
      (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n'),
    ],
    [
      'sends interim answers for ever',
      (socket: Socket) => drip(socket, '', 'HTTP/1.1 102 Processing\r\n\r\n'),
    ],
  ])('%s has as long as everything may take', async (_, answer) => {
    const port = await rawServer(answer)
    const sender = outbound({ allowPrivate: true, timeoutMs: 300 })
    expect(await sender.post(`http://127.0.0.1:${port}/`, { body })).toEqual({
      kind: 'failed',
      why: 'timeout',
    })
  })

  it.each([
    ['hangs up', (socket: Socket) => socket.destroy(), 'ECONNRESET'],
    [
      'hangs up in the middle of its answer',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'),
      'ECONNRESET',
    ],
    ['does not speak HTTP', (socket: Socket) => socket.end('SSH-2.0-x\r\n'), /^HPE_/],
  ])('%s is a failure', async (_, answer, code) => {
    const port = await rawServer(answer)
    const outcome = await outbound({ allowPrivate: true }).post(`http://127.0.0.1:${port}/`, {
      body,
    })
    expect(outcome).toMatchObject({ kind: 'failed', why: 'connection' })
    expect(outcome.kind === 'failed' && outcome.code).toMatch(code)
  })

  it('does not speak TLS is a failure', async () => {
    const server = await testServer((res) => res.end())
    const url = `https://127.0.0.1:${server.port}/`
    const outcome = await outbound({ allowPrivate: true }).post(url, { body })
    expect(outcome).toMatchObject({ kind: 'failed', why: 'connection' })
    expect(server.received).toEqual([])
  })

  it('has a certificate that nobody vouches for is told nothing, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    let asked = 0
    const server = createTlsServer(selfSigned(), (_, res) => {
      asked += 1
      res.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.close()
    })
    const { lookup } = namesOf(['127.0.0.1'])
    const url = `https://hooks.test:${(server.address() as AddressInfo).port}/`
    const outcome = await outbound({ allowPrivate: true, lookup }).post(url, { body })
    expect(outcome).toEqual({
      kind: 'failed',
      why: 'connection',
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
    expect(asked).toBe(0)
  })

  it('is not there is a failure', async () => {
    const { lookup } = namesOf([])
    const failed = { kind: 'failed', why: 'connection' }
    expect(await outbound({ lookup }).post('https://hooks.test/', { body })).toEqual({
      ...failed,
      code: 'ENOTFOUND',
    })
    const closed = await rawServer(() => {}, { isClosed: true })
    const url = `http://127.0.0.1:${closed}/`
    expect(await outbound({ allowPrivate: true }).post(url, { body })).toEqual({
      ...failed,
      code: 'ECONNREFUSED',
    })
  })
})

it('a name that never resolves has as long as everything may take', async () => {
  const lookup = () => new Promise<never>(() => {})
  const sender = outbound({ lookup, timeoutMs: 100 })
  const failed = { kind: 'failed', why: 'timeout' }
  expect(await sender.post('https://hooks.test/', { body })).toEqual(failed)
})

it('a server is reached without being told anything', async () => {
  const server = await testServer((res) => res.end())
  const url = `http://127.0.0.1:${server.port}/`
  expect(await outbound({ allowPrivate: true }).reach(url)).toEqual({ kind: 'reached' })
  expect(await outbound().reach(url)).toEqual({ kind: 'refused', why: 'scheme' })
  const { lookup } = namesOf(['10.0.0.1'])
  const refused = { kind: 'refused', why: 'address' }
  expect(await outbound({ lookup }).reach('https://hooks.test/')).toEqual(refused)
  const tls = await outbound({ allowPrivate: true }).reach(url.replace('http:', 'https:'))
  expect(tls).toMatchObject({ kind: 'failed', why: 'connection' })
  await vi.waitFor(() => expect(server.connections()).toBe(2))
  expect(server.received).toEqual([])
})

it('who gives up gets its answer at once, and leaves nothing behind', async () => {
  const port = await rawServer(() => {})
  const sender = outbound({ allowPrivate: true })
  const giveUp = new AbortController()
  const { signal } = giveUp
  const going = sender.post(`http://127.0.0.1:${port}/`, { body, signal })
  setTimeout(() => giveUp.abort(), 50)
  const aborted = { kind: 'failed', why: 'aborted' }
  expect(await going).toEqual(aborted)
  expect(await sender.post(`http://127.0.0.1:${port}/`, { body, signal })).toEqual(aborted)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('no proxy of the environment is asked', async () => {
  const proxy = await testServer((res) => res.end('proxy'))
  const server = await testServer((res) => res.end('server'))
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) {
    vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`)
  }
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const outcome = await outbound({ allowPrivate: true }).post(`http://127.0.0.1:${server.port}/`, {
    body,
  })
  expect(outcome).toMatchObject({ body: Buffer.from('server') })
  expect(proxy.connections()).toBe(0)
})
