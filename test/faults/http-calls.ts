import type { IncomingMessage } from 'node:http'
import { CoordinatorApi } from '../../src/client/api.js'
import { nodePorts } from '../../src/client/node.js'
import { DEFAULT_RETRY } from '../../src/client/retry.js'
import { ROUTES, type RouteName } from '../../src/protocol/index.js'
import { callsOver, type UploadCalls } from './upload-calls.js'

export interface HttpCalls extends UploadCalls {
  close(): void
}

/** The real client's calls, each made once. */
export function httpCalls(server: string): HttpCalls {
  const ports = nodePorts({ concurrency: 1 })
  const api = new CoordinatorApi({ server, ports, retry: { ...DEFAULT_RETRY, tries: 1 } })
  return { ...callsOver(api), close: () => ports.transport.close() }
}

/** Which call of the coordinator's API a request is. */
export function routeOf({ url = '/' }: IncomingMessage): RouteName | 'other' {
  const { pathname } = new URL(url, 'http://server')
  const entries = Object.entries(ROUTES) as [RouteName, { readonly path: string }][]
  return entries.find(([, { path }]) => path === pathname)?.[0] ?? 'other'
}
