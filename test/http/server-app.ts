import type { Partway } from '../../src/coordinator/partway.js'
import type { Access } from '../../src/http/index.js'
import { type AppGuard, createApp } from '../../src/server/app.js'
import { createLog } from '../../src/server/logging.js'
import { type Checks, Readiness } from '../../src/server/readiness.js'
import { fakePartway } from './fake-partway.js'

/** The application of the standalone server, with its log in `lines`. */
export function serverApp(
  options: {
    partway?: Partway
    access?: Access
    checks?: Partial<Checks>
    broken?: string
    guard?: AppGuard
  } = {},
) {
  const lines: string[] = []
  const log = createLog('debug', { write: (line) => lines.push(line) })
  const clock = { now: () => Date.now() }
  const checks = { store: async () => {}, bucket: async () => {}, ...options.checks }
  const readiness = new Readiness({
    checks,
    clock,
    log,
    timeoutMs: 200,
    broken: () => options.broken,
  })
  const app = createApp({
    partway: options.partway ?? fakePartway(),
    access: options.access ?? { allowAnonymous: true },
    readiness,
    log,
    clock,
    corsOrigins: [],
    version: '1.2.3',
    ...(options.guard !== undefined && { guard: options.guard }),
  })
  return { app, readiness, lines }
}
