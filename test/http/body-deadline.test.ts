import { createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import express from 'express'
import { afterEach, expect, it } from 'vitest'
import { bodyDeadline } from '../../src/server/guard/body-deadline.js'
import { type HttpApp, serveApp } from './http-app.js'

let app: HttpApp | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

async function serve(ms: number): Promise<HttpApp> {
  const handler = express().use(bodyDeadline(ms, '/parts'), (req, res) => {
    req.resume().on('end', () => res.end('all is here'))
  })
  app = await serveApp(handler)
  return app
}

function begin({ url }: HttpApp, path: string) {
  const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(url).port) })
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nx`,
  )
  return socket
}

it('a body that does not come is answered 408, and the connection closed', async () => {
  const answer = await text(begin(await serve(100), '/upload/init'))
  expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"BODY_TOO_SLOW"/)
})

it('one that comes in time is not, nor is what the deadline is not for', async () => {
  const running = await serve(300)
  const [early, late] = [begin(running, '/upload/init'), begin(running, '/parts')]
  const answers = Promise.all([text(early), text(late)])
  early.write('y')
  setTimeout(() => late.write('y'), 600)
  for (const answer of await answers) expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*all is here/)
})
