import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Listening, listen } from '../../src/server/listen.js'
import { hasIpv6 } from '../helpers/ipv6.js'
import { fakePartway, UPLOAD_ID } from './fake-partway.js'
import { post } from './http-app.js'
import { serverApp } from './server-app.js'

const ANYWHERE = { host: '127.0.0.1', port: 0 }
let listening: Listening | undefined

afterEach(async () => {
  await listening?.drain(0)
  listening = undefined
})

/** A coordinator whose `abort` waits until it is told to go on. */
function heldPartway() {
  let goOn = (): void => {}
  let arrived = (): void => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const inFlight = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const partway = fakePartway({
    abort: async () => {
      arrived()
      await held
      return { uploadId: UPLOAD_ID, state: 'aborted' }
    },
  })
  return { partway, inFlight, goOn }
}

describe('a server that is drained', () => {
  it('finishes the request in flight while it takes no new connection', async () => {
    const { partway, inFlight, goOn } = heldPartway()
    const { app, readiness } = serverApp({ partway })
    const server = await listen(app, ANYWHERE)
    const slow = post(`${server.url}/upload/abort`, { upload_id: UPLOAD_ID })
    await inFlight
    readiness.stop()
    let drained = false
    const draining = server.drain(10_000).then(() => {
      drained = true
    })
    const refused = await connectionCode(server.url)
    expect(refused).toBe('ECONNREFUSED')
    expect(drained).toBe(false)
    goOn()
    expect((await slow).status).toBe(200)
    await draining
  })

  it('does not wait for connections that are only kept alive', async () => {
    const server = await listen(serverApp().app, ANYWHERE)
    await (await fetch(`${server.url}/healthz`)).text()
    await expect(server.drain(60_000)).resolves.toBeUndefined()
  })

  it('cuts off what is not answered in time', async () => {
    const { partway, inFlight, goOn } = heldPartway()
    const server = await listen(serverApp({ partway }).app, ANYWHERE)
    const slow = post(`${server.url}/upload/abort`, { upload_id: UPLOAD_ID }).catch(() => 'cut off')
    await inFlight
    await server.drain(50)
    expect(await slow).toBe('cut off')
    goOn()
  })
})

describe('an address that cannot be had', () => {
  it('is told in plain words', async () => {
    listening = await listen(serverApp().app, ANYWHERE)
    const port = Number(new URL(listening.url).port)
    await expect(listen(serverApp().app, { host: '127.0.0.1', port })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: the port is taken by another program`,
    )
  })
})

/** How a connection of its own, not one that is kept alive, is answered. */
async function connectionCode(url: string): Promise<unknown> {
  return await new Promise((resolve) => {
    const attempt = request(`${url}/healthz`, { agent: new Agent() }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    attempt.on('error', (error) => resolve('code' in error ? error.code : error))
    attempt.end()
  })
}

describe('localhost', () => {
  it.skipIf(!hasIpv6())(
    'is not served on one of its addresses when another program has the other',
    async () => {
      const other = createServer().listen(0, '::1')
      await once(other, 'listening')
      const { port } = other.address() as AddressInfo
      await expect(listen(() => {}, { host: 'localhost', port })).rejects.toThrow(
        `cannot listen on ::1:${port}: the port is taken by another program`,
      )
      listening = await listen(() => {}, { host: '127.0.0.1', port })
      other.close()
    },
  )

  it('is served by its name', async () => {
    listening = await listen((_req, res) => res.end('here'), { host: 'localhost', port: 0 })
    expect(listening.url).toMatch(/^http:\/\/localhost:\d+$/)
    expect(await (await fetch(listening.url)).text()).toBe('here')
  })
})
