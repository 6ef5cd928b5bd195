import { once } from 'node:events'
import { connect } from 'node:net'
import express from 'express'
import { afterEach, expect, it } from 'vitest'
import { createRouter, type RequestEnd, type RouterOptions } from '../../src/http/index.js'
import { fakePartway, partsOutcome, signedParts } from './fake-partway.js'
import { type HttpApp, post, serveApp } from './http-app.js'

let app: HttpApp | undefined
let ends: string[]

afterEach(async () => {
  await app?.close()
  app = undefined
})

/** Mounted below a path of the host application, which has routes of its own. */
async function serve(options: Partial<RouterOptions> = {}): Promise<string> {
  ends = []
  const meter = {
    begin: (route: string) => (end: RequestEnd) => {
      ends.push(`${route} ${JSON.stringify(end)}`)
    },
  }
  const router = createRouter({
    partway: fakePartway(),
    allowAnonymous: true,
    meter,
    log: () => {},
    ...options,
  })
  const host = express().use('/files', router)
  host.get('/files/own', (_req, res) => res.json({}))
  app = await serveApp(host)
  return app.url
}

const ended = async (count: number) => {
  for (let waited = 0; ends.length < count && waited < 5_000; waited += 10) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return ends
}

it('an embedder is told how each request to Partway ended, and of no other', async () => {
  const url = await serve()
  await (await fetch(`${url}/files/own`)).text()
  await (await fetch(`${url}/files/uploads`)).text()
  await (await post(`${url}/files/upload/init`, 'not JSON')).text()
  expect(await ended(2)).toEqual([
    'list {"status":200,"isCutOff":false}',
    'init {"status":400,"isCutOff":false,"code":"MALFORMED_JSON"}',
  ])
})

it('a request that is refused before its route is told as well', async () => {
  const url = await serve({ inFlightPerAddress: 0 })
  await (await fetch(`${url}/files/uploads`)).text()
  expect(await ended(1)).toEqual([
    'list {"status":429,"isCutOff":false,"code":"TOO_MANY_REQUESTS"}',
  ])
})

it('a caller who goes away before the end of the reply is told as such', async () => {
  const partway = fakePartway({ parts: async () => partsOutcome(signedParts(10_000)) })
  const url = new URL(await serve({ partway }))
  const socket = connect(Number(url.port), url.hostname)
  const body = JSON.stringify({ upload_id: 'upload-1', sign: [{ index: 1 }] })
  const lines = [
    'POST /files/upload/parts HTTP/1.1',
    'Host: a',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  await once(socket, 'data')
  socket.destroy()
  expect(await ended(1)).toEqual(['parts {"status":200,"isCutOff":true}'])
})
