import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { SessionStore } from '../../../../src/coordinator/ports.js'
import { createMetrics } from '../../../../src/operations/index.js'
import { openSqliteSessionStore } from '../../../../src/sessions/sqlite/index.js'
import { parseSamples, sampleValue } from '../../../helpers/prometheus-text.js'

const run = promisify(execFile)
const CLAIM = { to: 'completing', now: 1_000, leaseMs: 60_000 } as const
const LIFE = { expiresAt: 90_000, keepUntil: 90_000 }
const REF = { owner: 'ada', id: 'u1' }
const DRAFT = {
  ...REF,
  filename: 'a.bin',
  size: 10,
  chunkSize: 10,
  totalChunks: 1,
  checksum: 'none',
  key: 'k',
  createdAt: 500,
} as const
const OBJECT = { bucket: 'b', key: 'k', size: 10, etag: 'e' }

async function world() {
  let now = 0
  const metrics = await createMetrics({ clock: { now: () => now }, process: false })
  const store = metrics.store(openSqliteSessionStore(':memory:'))
  const value = async (name: string, labels = {}) =>
    sampleValue(parseSamples(await metrics.registry.metrics()), name, labels)
  return { metrics, store, value, advance: (ms: number) => (now += ms) }
}

async function opened(store: SessionStore): Promise<void> {
  const begun = await store.begin(DRAFT, { ...LIFE, now: 500, leaseMs: 60_000 })
  if (begun.kind !== 'created') throw new Error(begun.kind)
  await store.open(REF, { fence: begun.fence, multipartId: 'm', now: 500 })
}

async function claimed(store: SessionStore, step: Parameters<SessionStore['claim']>[1] = CLAIM) {
  const claim = await store.claim(REF, step)
  if (claim.kind !== 'claimed') throw new Error(claim.kind)
  return claim.fence
}

describe('metrics', () => {
  it('count a completed upload once, however often it is verified later', async () => {
    const { store, value } = await world()
    await opened(store)
    const done = { ...LIFE, to: 'completed', object: OBJECT } as const
    const fence = await claimed(store)
    await store.settle(REF, { ...done, from: 'completing', fence, now: 3_500 })
    const again = await claimed(store, { ...CLAIM, to: 'verifying', now: 4_000 })
    await store.settle(REF, { ...done, from: 'verifying', fence: again, now: 4_500 })
    expect(await value('partway_uploads_ended_total', { outcome: 'completed' })).toBe(1)
    expect(await value('partway_completed_bytes_total', { by: 'uploaded' })).toBe(10)
    expect(await value('partway_upload_seconds_sum')).toBe(3)
    await store.close()
  })

  it('count nothing of a step that came too late', async () => {
    const { store, value } = await world()
    await opened(store)
    const fence = await claimed(store)
    await claimed(store, { ...CLAIM, now: 70_000 })
    const step = { ...LIFE, from: 'completing', to: 'completed', object: OBJECT } as const
    expect(await store.settle(REF, { ...step, fence, now: 70_001 })).toBe(false)
    expect(await value('partway_uploads_ended_total', { outcome: 'completed' })).toBe(0)
    await store.close()
  })

  it('time by the clock that they are given, and take what is in no list as other', async () => {
    const { metrics, value, advance } = await world()
    const end = metrics.requests.begin('init')
    advance(250)
    end({ status: 413, isCutOff: false, code: 'FILE_TOO_LARGE', limit: 'of ada alone' })
    const labels = { route: 'init', status: '4xx' }
    expect(await value('partway_http_request_seconds_sum', labels)).toBe(0.25)
    expect(await value('partway_limit_refusals_total', { limit: 'other' })).toBe(1)
    // A host application without types.
    metrics.requests.begin('of ada' as 'init')({ status: 99, isCutOff: false })
    const unknown = { route: 'other', status: 'other' }
    expect(await value('partway_http_request_seconds_count', unknown)).toBe(1)
    expect(await metrics.registry.metrics()).not.toContain('ada')
    metrics.requests.begin('status')({ status: 200, isCutOff: true })
    const cut = { route: 'status', status: 'cut_off' }
    expect(await value('partway_http_request_seconds_count', cut)).toBe(1)
  })

  it('say nothing of a clock that was not read', async () => {
    const { metrics, value } = await world()
    expect(await metrics.registry.metrics()).not.toMatch(/^partway_bucket_clock_offset/m)
    metrics.clockOffset(-1_500)
    expect(await value('partway_bucket_clock_offset_seconds')).toBe(-1.5)
  })

  it('are not loaded by those who do not ask for them', async () => {
    const module = new URL('../../../../src/operations/index.ts', import.meta.url)
    const script = `
      const { createMetrics } = await import(${JSON.stringify(module.href)})
      const { createRequire } = await import('node:module')
      const loaded = () => Object.keys(createRequire(${JSON.stringify(module.href)}).cache)
        .some((path) => path.includes('/prom-client/'))
      const before = loaded()
      await createMetrics({ process: false })
      console.log(before, loaded())`
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script]
    const { stdout } = await run(process.execPath, args)
    expect(stdout.trim()).toBe('false true')
  })
})
