import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createRouter, type RouterOptions } from '../../src/http/index.js'
import { problem } from '../../src/protocol/index.js'

export interface HttpApp {
  readonly url: string
  close(): Promise<void>
}

/** Serves `handler` on a port of its own. */
export async function serveApp(handler: RequestListener): Promise<HttpApp> {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The router as a host application mounts it. */
export async function serveRouter(options: RouterOptions): Promise<HttpApp> {
  return await serveApp(express().use(createRouter(options)))
}

export async function post(url: string, body: unknown, headers = {}): Promise<Response> {
  return await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** The problem that a reply tells; fails when it is not one. */
export async function problemOf(response: Response) {
  const body: unknown = await response.json()
  const parsed = problem.parse(body)
  if (response.headers.get('Content-Type') !== 'application/problem+json') {
    throw new Error(`not a problem: ${response.headers.get('Content-Type')}`)
  }
  if (parsed.status !== response.status) throw new Error('status of body and reply differ')
  return parsed
}
