import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { SERIES } from '../../src/operations/metrics/series.js'
import { initReply, ROUTES, type RouteName } from '../../src/protocol/index.js'
import { readConfig } from '../../src/server/config.js'
import { createLog } from '../../src/server/logging.js'
import { type RunningServer, startServer } from '../../src/server/main.js'
import {
  LOCAL_CREDENTIALS,
  startTestLocalBucket,
  type TestLocalBucket,
} from '../helpers/local-bucket.js'
import {
  groupingsOf,
  parseSamples,
  type Sample,
  sampleValue,
  selectorsOf,
  selects,
} from '../helpers/prometheus-text.js'

/** The standalone server with the embedded bucket, its dashboard and its rules, as they are. */

const OWNER = 'ada-the-owner'
const NAME = 'secret-name-of-a-file'
const BYTES = 'ten bytes.'

const sha256 = (what: string) => createHash('sha256').update(what).digest('hex')

const infra = new URL('../../infra/grafana/', import.meta.url)
const dashboard = JSON.parse(readFileSync(new URL('dashboard.json', infra), 'utf8'))
const rules = parseYaml(readFileSync(new URL('alerts.yml', infra), 'utf8'))

interface Named {
  readonly name: string
  readonly query: string
}

const panels: Named[] = dashboard.panels.flatMap(
  ({ title, targets = [] }: { title: string; targets?: { expr: string }[] }) =>
    targets.map(({ expr }) => ({ name: title, query: expr })),
)
const alerts: Named[] = rules.groups.flatMap(
  ({ rules: of }: { rules: { alert: string; expr: string }[] }) =>
    of.map(({ alert, expr }) => ({ name: alert, query: expr })),
)

let local: TestLocalBucket
let server: RunningServer
let samples: Sample[]
let text: string
let tokens: string
const token = randomBytes(32).toString('base64url')
const ids: string[] = []

beforeAll(async () => {
  local = await startTestLocalBucket({ buckets: ['uploads'] })
  tokens = join(local.folder, 'tokens')
  await writeFile(tokens, `${OWNER}:sha256:${sha256(token)}\n`)
  server = await start({ PARTWAY_METRICS: '0', PARTWAY_RATE_STATUS: '2/min' })
  await load()
  text = await (await fetch(server.metricsUrl ?? '')).text()
  samples = parseSamples(text)
})
afterAll(async () => {
  await server?.stop()
  // Its bucket was stopped by the load.
  await rm(local.folder, { recursive: true })
})

async function start(env: Record<string, string>): Promise<RunningServer> {
  const outcome = readConfig({
    PARTWAY_PORT: '0',
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_S3_ENDPOINT: local.url,
    PARTWAY_STORE: 'sqlite::memory:',
    PARTWAY_SECRET: randomBytes(32).toString('hex'),
    PARTWAY_AUTH: 'token',
    PARTWAY_TOKENS_FILE: tokens,
    ...env,
  })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join('\n'))
  const log = createLog('silent', { write: () => {} })
  return await startServer(outcome.config, { log, credentials: LOCAL_CREDENTIALS })
}

async function ask(name: RouteName, message: object): Promise<{ status: number; body: unknown }> {
  const { method, path } = ROUTES[name]
  const query = method === 'GET' ? `?${new URLSearchParams({ ...message })}` : ''
  const reply = await fetch(`${server.url}${path}${query}`, {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    ...(method === 'POST' && { body: JSON.stringify(message) }),
  })
  return { status: reply.status, body: await reply.json() }
}

async function begin(which: number, more: object = {}) {
  const file = { filename: `${NAME}-${which}.txt`, size: BYTES.length, checksum: 'none' }
  const message = { ...file, fingerprint: String(which), sign: 'all', ...more }
  const reply = initReply.parse((await ask('init', message)).body)
  ids.push(reply.upload_id)
  return reply
}

async function send({ parts = [] }: Awaited<ReturnType<typeof begin>>, bytes = BYTES) {
  const [part] = parts
  if (part === undefined) throw new Error('no part was signed')
  const put = await fetch(part.url, { method: 'PUT', headers: part.headers, body: bytes })
  return { index: 1, etag: put.headers.get('ETag') ?? '' }
}

/** Something of everything: what ends well, what is refused, and a bucket that goes away. */
async function load(): Promise<void> {
  const first = await begin(1)
  await ask('parts', { upload_id: first.upload_id, uploaded: [await send(first)] })
  await ask('complete', { upload_id: first.upload_id })
  await begin(1)
  await begin(2)
  const second = await begin(2)
  await ask('abort', { upload_id: second.upload_id })
  const third = await begin(3, { file_hash: sha256('another file') })
  await send(third)
  await ask('complete', { upload_id: third.upload_id })
  for (let asked = 0; asked < 3; asked++) await ask('status', { upload_id: third.upload_id })
  await vi.waitFor(async () => {
    const now = parseSamples(await (await fetch(server.metricsUrl ?? '')).text())
    expect(sampleValue(now, 'partway_uploads_ended_total', { outcome: 'failed' })).toBe(1)
  })
  await fetch(`${server.url}/uploads`)
  await fetch(`${server.url}/there/is/nothing`)
  await ask('init', { filename: NAME, size: 6 * 1024 ** 5 })
  await local.close()
  const { status } = await ask('init', { filename: NAME, size: 11, checksum: 'none' })
  expect(status).toBe(503)
}

describe('the metrics of a server', () => {
  it('count uploads by what became of them', () => {
    const ended = (outcome: string) =>
      sampleValue(samples, 'partway_uploads_ended_total', { outcome })
    expect(['completed', 'failed', 'aborted', 'expired'].map(ended)).toEqual([1, 1, 1, 0])
    const inits = (result: string) => sampleValue(samples, 'partway_inits_total', { result })
    expect(['created', 'resumed', 'finished'].map(inits)).toEqual([3, 1, 1])
    const moves = samples.filter(({ name }) => name === 'partway_upload_transitions_total')
    expect(moves.map(({ labels: { from, to }, value }) => `${from} ${to} ${value}`).sort()).toEqual(
      [
        'aborting aborted 1',
        'completing completed 1',
        'completing verifying 1',
        'creating uploading 3',
        'verifying failed 1',
      ],
    )
  })

  it('count bytes, parts and what was not as its checksum said', () => {
    const counted = (name: string, labels = {}) => sampleValue(samples, name, labels)
    expect(counted('partway_completed_bytes_total', { by: 'uploaded' })).toBe(BYTES.length)
    expect(counted('partway_parts_reported_total')).toBe(1)
    expect(counted('partway_parts_signed_total')).toBe(4)
    expect(counted('partway_upload_seconds_count')).toBe(1)
    expect(counted('partway_checksum_failures_total', { what: 'object' })).toBe(1)
    expect(counted('partway_background_seconds_count', { result: 'done' })).toBe(1)
  })

  it('count requests by their route, and refusals by their code and limit', () => {
    const requests = (route: string, status: string) =>
      sampleValue(samples, 'partway_http_request_seconds_count', { route, status })
    expect(requests('status', '4xx')).toBe(1)
    expect(requests('init', '5xx')).toBe(1)
    expect(requests('other', '4xx')).toBe(1)
    expect(requests('list', '4xx')).toBe(1)
    const refused = (code: string) => sampleValue(samples, 'partway_refusals_total', { code })
    expect(refused('UNAUTHENTICATED')).toBe(1)
    expect(refused('BUCKET_UNAVAILABLE')).toBe(1)
    const limit = (name: string) =>
      sampleValue(samples, 'partway_limit_refusals_total', { limit: name })
    expect([limit('calls'), limit('max_file_size')]).toEqual([1, 1])
  })

  it('time the calls of bucket and store, and count those that fail', () => {
    const calls = (of: string, operation: string) =>
      sampleValue(samples, `partway_${of}_call_seconds_count`, { operation })
    expect(calls('bucket', 'completeMultipartUpload')).toBe(2)
    expect(calls('store', 'settle')).toBeGreaterThan(2)
    const errors = samples.filter(({ name }) => name === 'partway_bucket_errors_total')
    expect(errors.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThan(0)
    expect(sampleValue(samples, 'partway_store_errors_total', { operation: 'begin' })).toBe(0)
  })

  it('tell how far the clock of the bucket is off', () => {
    const offset = sampleValue(samples, 'partway_bucket_clock_offset_seconds')
    expect(Math.abs(offset)).toBeLessThan(5)
  })

  it('have labels of closed sets only, which say nothing of who uploads what', () => {
    const operations = /^[a-z][A-Za-z]+$/
    for (const [name, series] of Object.entries(SERIES)) {
      const labels: Record<string, readonly string[] | 'method'> =
        'labels' in series ? series.labels : {}
      const own = samples.filter((sample) => sample.name.startsWith(name))
      expect(own.length, name).toBeGreaterThan(0)
      for (const sample of own) {
        for (const [label, value] of Object.entries(sample.labels)) {
          if (label === 'le') continue
          const allowed = labels[label]
          if (allowed === 'method') expect(value).toMatch(operations)
          else expect([...(allowed ?? []), 'other'], `${name} ${label}`).toContain(value)
        }
      }
    }
    expect(ids).toHaveLength(5)
    for (const word of [OWNER, NAME, token, sha256(token), local.url, 'uploads/', ...ids]) {
      expect(text).not.toContain(word)
    }
  })

  it('are on a listener of their own, on loopback unless the settings say otherwise', async () => {
    const { metricsUrl = '' } = server
    expect(new URL(metricsUrl).hostname).toBe('127.0.0.1')
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
    expect((await fetch(metricsUrl, { method: 'POST' })).status).toBe(405)
    for (const { path } of Object.values(ROUTES)) {
      expect((await fetch(new URL(path, metricsUrl))).status).toBe(404)
    }
  })

  it('are nowhere by default', async () => {
    const other = await start({})
    try {
      expect(other.metricsUrl).toBeUndefined()
    } finally {
      await other.stop()
    }
  })

  it('keep a server from starting whose address for them is taken', async () => {
    const port = new URL(server.metricsUrl ?? '').port
    await expect(start({ PARTWAY_METRICS: port })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: the port is taken by another program`,
    )
  })
})

describe('what infra/grafana asks for', () => {
  const asked = [...panels, ...alerts]

  it('is something', () => {
    expect(panels.length).toBeGreaterThan(15)
    expect(alerts.length).toBeGreaterThan(10)
  })

  it.each(asked)('is there after some load: $name, $query', ({ query }) => {
    for (const selector of selectorsOf(query)) {
      const found = samples.filter((sample) => selects(selector, sample))
      expect(found.length, JSON.stringify(selector)).toBeGreaterThan(0)
    }
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)))
    for (const label of groupingsOf(query)) expect([...labels]).toContain(label)
  })

  it('shows every series of ours', () => {
    const shown = asked.flatMap(({ query }) => selectorsOf(query)).map(({ name }) => name)
    const base = new Set(shown.map((name) => name.replace(/_(bucket|count|sum)$/, '')))
    for (const name of Object.keys(SERIES)) expect([...base]).toContain(name)
  })
})
