import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { HttpTransport } from '../../../src/client/node.js'

const MIB = 1024 * 1024
const transport = new HttpTransport({ concurrency: 2 })
let servers: { close(): unknown; closeAllConnections?(): void }[] = []

afterEach(() => {
  transport.close()
  for (const server of servers) {
    server.closeAllConnections?.()
    server.close()
  }
  servers = []
})

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener)
  servers.push(server)
  return originOf(server)
}

/** A server of which the test controls every byte. */
async function serveTcp(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  servers.push(server)
  return originOf(server)
}

function originOf(server: {
  listen(port: number, host: string, done: () => void): unknown
  address(): unknown
}): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      resolve(`http://127.0.0.1:${port}`)
    })
  })
}

function put(url: string, body: Uint8Array, signal = new AbortController().signal) {
  const sent: number[] = []
  const onSent = (bytes: number) => sent.push(bytes)
  const reply = transport.putPart({ url, headers: { 'x-amz-test': '1' }, body, signal, onSent })
  return { reply, sent }
}

describe('HttpTransport, sending a part', () => {
  it('sends the bytes with their length and the given headers, and no others of consequence', async () => {
    const body = randomBytes(3 * MIB + 5)
    const origin = await serve(async (request, response) => {
      const got = Buffer.concat(await request.toArray())
      expect(request.method).toBe('PUT')
      expect(request.headers['content-length']).toBe(String(body.length))
      expect(request.headers['x-amz-test']).toBe('1')
      expect(request.headers).not.toHaveProperty('transfer-encoding')
      expect(request.headers).not.toHaveProperty('authorization')
      expect(request.headers).not.toHaveProperty('content-type')
      response.setHeader('ETag', got.equals(body) ? '"same"' : '"other"').end()
    })
    const { reply, sent } = put(`${origin}/key?partNumber=1`, body)
    expect(await reply).toMatchObject({ status: 200, headers: { etag: '"same"' } })
    expect(sent.at(-1)).toBe(body.length)
    expect(sent.length).toBeGreaterThan(5)
    expect(sent).toEqual([...sent].sort((a, b) => a - b))
  })

  it('uses a connection again for the next part', async () => {
    const ports = new Set<number | undefined>()
    const origin = await serve((request, response) => {
      ports.add(request.socket.remotePort)
      request.resume().on('end', () => response.end())
    })
    for (let part = 0; part < 3; part++) await put(origin, randomBytes(MIB)).reply
    expect(ports.size).toBe(1)
  })

  it.each(Array.from({ length: 5 }, (_, i) => i))(
    'gives an early refusal although the connection is reset while the body is written (%i)',
    async () => {
      const body = '<Error><Code>AccessDenied</Code></Error>'
      const origin = await serveTcp((socket) => {
        socket.once('data', () => {
          socket.write(
            `HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
            () => setTimeout(() => socket.resetAndDestroy(), 5),
          )
          socket.pause()
        })
      })
      const reply = await put(origin, randomBytes(32 * MIB)).reply
      expect(reply).toMatchObject({ status: 403, body })
    },
  )

  it('gives the status of an early refusal whose own body is cut off', async () => {
    const origin = await serveTcp((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n<Error>', () =>
          setTimeout(() => socket.resetAndDestroy(), 5),
        )
        socket.pause()
      })
    })
    expect(await put(origin, randomBytes(32 * MIB)).reply).toMatchObject({ status: 400 })
  })

  it('does not take a success for one when its end is missing', async () => {
    const origin = await serveTcp((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 500\r\n\r\nhalf', () =>
          setTimeout(() => socket.destroy(), 5),
        )
      })
    })
    await expect(put(origin, randomBytes(10)).reply).rejects.toThrow()
  })

  it('rejects when the connection breaks without an answer', async () => {
    const origin = await serveTcp((socket) => {
      socket.once('data', () => socket.resetAndDestroy())
    })
    await expect(put(origin, randomBytes(8 * MIB)).reply).rejects.toThrow(
      /ECONNRESET|EPIPE|hang up/,
    )
  })

  it('rejects when nobody listens', async () => {
    await expect(put('http://127.0.0.1:1/', randomBytes(10)).reply).rejects.toThrow('ECONNREFUSED')
  })

  it('reports no bytes that the other side does not take, and stops when told to', async () => {
    const stop = new AbortController()
    const origin = await serveTcp((socket) => socket.pause())
    const { reply, sent } = put(origin, randomBytes(64 * MIB), stop.signal)
    const ended = expect(reply).rejects.toBe('enough')
    let before = -1
    while (before !== sent.length) {
      before = sent.length
      await new Promise((later) => setTimeout(later, 100))
    }
    expect(sent.at(-1) ?? 0).toBeLessThan(64 * MIB)
    stop.abort('enough')
    await ended
  })

  it('does not begin when it was told to stop before', async () => {
    const { reply, sent } = put('http://127.0.0.1:1', randomBytes(10), AbortSignal.abort('no'))
    await expect(reply).rejects.toBe('no')
    expect(sent).toEqual([])
  })
})

describe('HttpTransport, calling the coordinator', () => {
  it('sends JSON and gives status, headers and body', async () => {
    const origin = await serve(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString()
      response
        .writeHead(409, { 'Retry-After': '3' })
        .end(`${request.method} ${request.url} ${body}`)
    })
    const reply = await transport.call({
      ...{ method: 'POST', url: `${origin}/upload/init?x=1`, body: '{"a":"ü"}' },
      headers: { 'content-type': 'application/json' },
      signal: new AbortController().signal,
    })
    expect(reply).toMatchObject({ status: 409, body: 'POST /upload/init?x=1 {"a":"ü"}' })
    expect(reply.headers['retry-after']).toBe('3')
  })

  it('does not follow a redirect, which would take the token elsewhere', async () => {
    const origin = await serve((_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
    })
    const call = { method: 'GET', url: origin, headers: { authorization: 'Bearer t' } } as const
    const reply = await transport.call({ ...call, signal: new AbortController().signal })
    expect(reply.status).toBe(302)
  })
})
