import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type Listening, listen, type SocketLimits } from '../../src/server/listen.js'
import { UPLOAD_ID } from './fake-partway.js'
import { post } from './http-app.js'
import { serverApp } from './server-app.js'

/** Clients that are slow or odd on purpose, against the server's own sockets with times that are shorter. */

const SHORT: Partial<SocketLimits> = {
  headersMs: 300,
  requestMs: 600,
  keepAliveMs: 300,
  silenceMs: 2_000,
  checkMs: 50,
}
/** By then what is too slow has been cut off, on a busy machine as well. */
const AT_LAST = { timeout: 10_000, interval: 50 }

let server: Listening
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.drain(0)
})

const serve = async (limits: Partial<SocketLimits> = {}) => {
  server = await listen(serverApp().app, { host: '127.0.0.1', port: 0 }, { ...SHORT, ...limits })
}

interface Talk {
  readonly socket: Socket
  /** What has come so far. */
  text(): string
  isClosed(): boolean
}

/** A connection of its own on which `bytes` are sent. */
async function talk(bytes = ''): Promise<Talk> {
  const socket = createConnection(Number(new URL(server.url).port), '127.0.0.1')
  sockets.push(socket)
  let text = ''
  let isClosed = false
  socket.on('data', (chunk) => {
    text += chunk
  })
  // A reset is one way to be cut off.
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  await once(socket, 'connect')
  socket.write(bytes)
  return { socket, text: () => text, isClosed: () => isClosed }
}

/** Sends a byte now and then until the connection is closed, for 10 s at most. */
async function trickle({ socket, isClosed }: Talk): Promise<void> {
  for (let i = 0; i < 200 && !isClosed(); i++) {
    socket.write('a')
    await delay(50)
  }
}

const GET = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'
const ABORT = `POST /upload/abort HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`
const ABORT_BODY = `{"upload_id":"${UPLOAD_ID}"}`

const isServed = async () => (await fetch(`${server.url}/healthz`)).status

describe('a slow client', () => {
  it('is cut off when its headers take too long, however steadily they come', async () => {
    await serve()
    const slow = await talk('GET /healthz HTTP/1.1\r\nX-Slow: ')
    await trickle(slow)
    expect(slow.isClosed()).toBe(true)
    expect(slow.text()).toMatch(/^HTTP\/1.1 408 /)
    expect(await isServed()).toBe(200)
  })

  it('is cut off when its body takes too long, however steadily it comes', async () => {
    await serve()
    const slow = await talk(`${ABORT}Content-Length: 60000\r\n\r\n{"upload_id":"`)
    await trickle(slow)
    expect(slow.isClosed()).toBe(true)
    expect(slow.text()).not.toContain(' 500 ')
    expect(await isServed()).toBe(200)
  })

  it('is cut off when it says nothing at all, or nothing more', async () => {
    await serve()
    const silent = await talk()
    const idle = await talk(GET)
    await expect.poll(() => [silent.isClosed(), idle.isClosed()], AT_LAST).toEqual([true, true])
    expect(idle.text()).toMatch(/^HTTP\/1.1 200 /)
  })

  it('is cut off when it does not read what it asked for', async () => {
    await serve({ silenceMs: 500 })
    const deaf = await talk()
    deaf.socket.pause()
    // Of more than a MiB each: far more than the connection can hold.
    const asked = 40
    deaf.socket.write('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(asked))
    await delay(3_000)
    deaf.socket.resume()
    await expect.poll(() => deaf.isClosed(), AT_LAST).toBe(true)
    expect(deaf.text().split('HTTP/1.1 200').length).toBeLessThan(asked)
  })
})

describe('many connections', () => {
  it('over what there may be are closed, and there is room again when others end', async () => {
    await serve({ maxConnections: 20, headersMs: 1_000, requestMs: 1_000 })
    const idle = await Promise.all(Array.from({ length: 60 }, () => talk()))
    await expect.poll(() => idle.filter((one) => one.isClosed()).length, AT_LAST).toBe(60)
    expect(await isServed()).toBe(200)
  })

  it('of one address leave room for those of others', async () => {
    await serve({ connectionsPerAddress: 5, headersMs: 60_000, requestMs: 60_000 })
    const idle = await Promise.all(Array.from({ length: 12 }, () => talk()))
    await expect.poll(() => idle.filter((one) => one.isClosed()).length, AT_LAST).toBe(7)
    idle.find((one) => !one.isClosed())?.socket.destroy()
    await expect.poll(() => isServed().catch(() => 0), AT_LAST).toBe(200)
  })
})

describe('one connection', () => {
  it('is answered in order when requests come at once', async () => {
    await serve()
    const pipelined = await talk(
      `${GET}${ABORT}Content-Length: ${ABORT_BODY.length}\r\n\r\n${ABORT_BODY}GET /none HTTP/1.1\r\nHost: a\r\n\r\n`,
    )
    await expect.poll(() => pipelined.text().match(/HTTP\/1.1 \d+/g)?.length, AT_LAST).toBe(3)
    expect(pipelined.text().match(/HTTP\/1.1 \d+/g)).toEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 200',
      'HTTP/1.1 404',
    ])
  })

  it('is closed after so many requests', async () => {
    await serve({ requestsPerConnection: 3 })
    const busy = await talk(GET.repeat(3))
    await expect.poll(() => busy.isClosed(), AT_LAST).toBe(true)
    expect(busy.text().match(/HTTP\/1.1 200/g)).toHaveLength(3)
    expect(busy.text()).toContain('Connection: close')
  })

  it('may not have headers of more than 16 KiB', async () => {
    await serve()
    const large = await talk(`GET /healthz HTTP/1.1\r\nX-Large: ${'a'.repeat(20_000)}\r\n\r\n`)
    await expect.poll(() => large.isClosed(), AT_LAST).toBe(true)
    expect(large.text()).toMatch(/^HTTP\/1.1 431 /)
  })
})

describe('a request that a proxy may read otherwise', () => {
  const INNER = `GET /uploads HTTP/1.1\r\nHost: a\r\n\r\n`

  it.each([
    ['two lengths', `Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello`],
    ['the same length twice', `Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    [
      'a length and chunks',
      `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${INNER}`,
    ],
    [
      'chunks and a length',
      `Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${INNER}`,
    ],
    ['an odd transfer encoding', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${INNER}`],
    ['chunks that are not last', `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${INNER}`],
    ['a negative length', `Content-Length: -1\r\n\r\n`],
    ['a length with a sign', `Content-Length: +5\r\n\r\nhello`],
    ['a space before the colon', `Content-Length : 5\r\n\r\nhello`],
    ['a folded header', `X-Folded: a\r\n b\r\n c: d\r\nContent-Length : 5\r\n\r\nhello`],
    ['a chunk size that is none', `Transfer-Encoding: chunked\r\n\r\nxyz\r\n`],
  ])('is refused: %s', async (_, rest) => {
    await serve()
    const odd = await talk(ABORT + rest)
    await expect.poll(() => odd.isClosed(), AT_LAST).toBe(true)
    expect(odd.text()).toMatch(/^HTTP\/1.1 400 /)
    // What was hidden in its body is no request of its own.
    expect(odd.text().match(/HTTP\/1.1 /g)).toHaveLength(1)
  })

  it('leaves others alone', async () => {
    await serve()
    await talk(`${ABORT}Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello`)
    expect((await post(`${server.url}/upload/abort`, { upload_id: UPLOAD_ID })).status).toBe(200)
  })
})
