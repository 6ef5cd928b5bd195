import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/coordinator/create-partway.js'
import type { SessionStore } from '../../src/coordinator/ports.js'
import { limitedRates } from '../../src/http/limited-rates.js'
import { compose } from '../../src/server/compose.js'
import { readConfig } from '../../src/server/config.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { type TestServer, testServer } from '../unit/operations/outbound/outbound-server.js'
import { type HttpApp, post, problemOf, serveRouter } from './http-app.js'

const FIRST = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const SECOND = `whsec_${Buffer.alloc(32, 2).toString('base64')}`
const MIB = 1024 * 1024
const FILE = {
  filename: 'übung.png',
  size: 6 * MIB,
  chunk_size: 5 * MIB,
  file_hash: 'ab'.repeat(32),
  content_type: 'image/png',
  metadata: { album: 'summer' },
}
const TOKEN = { Authorization: 'Bearer a-token-that-is-nobody-else-s' }

let bucket: MemoryBucket
let store: SessionStore
let app: HttpApp
let faults: unknown[]
beforeEach(async () => {
  bucket = new MemoryBucket()
  await bucket.start()
  store = openSqliteSessionStore(':memory:')
  faults = []
})
afterEach(async () => {
  await app.close()
  await store.close()
  await bucket.stop()
})

/** Uploads as the settings of a server say, for whoever brings a token. */
async function uploadsWith(env: Readonly<Record<string, string>>, initLimit = 100): Promise<void> {
  const outcome = readConfig({
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_SECRET: 'a-secret-of-at-least-32-bytes-0123',
    PARTWAY_KEY_PREFIX: 'uploads/',
    PARTWAY_INIT_HOOK_SECRET: `${FIRST},${SECOND}`,
    PARTWAY_OUTBOUND_PRIVATE: '127.0.0.1',
    ...env,
  })
  if (outcome.kind === 'invalid') throw new Error(outcome.problems.join())
  const services = { store, bucket, signer: bucket, clock: systemClock, audit: undefined }
  app = await serveRouter({
    partway: compose(outcome.config, services),
    owner: (req) => (req.headers.authorization === undefined ? undefined : 'ada'),
    log: (error) => faults.push(error),
    rates: limitedRates({
      limits: { owner: { init: { limit: initLimit, windowSeconds: 60 } }, address: {} },
    }),
  })
}

async function hookThat(
  answer: Parameters<typeof testServer>[0],
  env: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  const hook = await testServer(answer)
  const url = `http://127.0.0.1:${hook.port}/init?key=not-for-logs`
  await uploadsWith({ PARTWAY_INIT_HOOK_URL: url, ...env })
  return hook
}

const init = (body: unknown = FILE) => post(`${app.url}/upload/init`, body, TOKEN)

describe('a server with a hook', () => {
  it('asks it in the spelling of the wire, signed with each secret, and tells it no token', async () => {
    const hook = await hookThat((res) => res.end('{"allow":true}'))
    const reply = await init()
    expect(reply.status).toBe(201)
    const [asked] = hook.received
    if (asked === undefined) throw new Error('the hook was not asked')
    expect(asked).toMatchObject({ method: 'POST', url: '/init?key=not-for-logs' })
    for (const secret of [FIRST, SECOND]) {
      expect(
        new Webhook(secret).verify(asked.body, {
          'webhook-id': String(asked.headers['webhook-id']),
          'webhook-timestamp': String(asked.headers['webhook-timestamp']),
          'webhook-signature': String(asked.headers['webhook-signature']),
        }),
      ).toEqual({
        type: 'upload.init',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        data: { owner: 'ada', ...FILE },
      })
    }
    expect(JSON.stringify([asked.headers, asked.body])).not.toContain('a-token')
  })

  it('does as it says, and finds the upload again', async () => {
    const decision = {
      allow: true,
      key_prefix: 'acme/',
      metadata: { project: 'x_y' },
      limits: { max_file_size: 7 * MIB, allowed_types: ['image/*'] },
    }
    const hook = await hookThat((res) => res.end(JSON.stringify(decision)))
    const first: unknown = await (await init()).json()
    const again = await init()
    expect(again.status).toBe(200)
    expect(await again.json()).toMatchObject({
      upload_id: (first as { upload_id: string }).upload_id,
    })
    const id = (first as { upload_id: string }).upload_id
    expect((await store.find({ owner: 'ada', id }, Date.now()))?.upload).toMatchObject({
      key: `uploads/acme/${id}/übung.png`,
      metadata: { album: 'summer', project: 'x_y' },
    })
    const problem = await problemOf(await init({ ...FILE, size: 8 * MIB }))
    expect(problem).toMatchObject({ code: 'FILE_TOO_LARGE', max_size: 7 * MIB })
    expect(new Set(hook.received.map(({ headers }) => headers['webhook-id'])).size).toBe(3)
  })

  it('passes on why it refuses: 403 INIT_REFUSED', async () => {
    await hookThat((res) => res.end('{"allow":false,"message":"Only on weekdays."}'))
    const reply = await init()
    expect(await problemOf(reply)).toMatchObject({
      status: 403,
      code: 'INIT_REFUSED',
      detail: 'Only on weekdays.',
    })
    expect(bucket.calls).toEqual([])
    expect(faults).toEqual([])
  })

  it('asks it for init alone, of callers who are known, within their rate', async () => {
    const hook = await hookThat((res) => res.end('{"allow":true}'), {})
    const { upload_id } = (await (await init()).json()) as { upload_id: string }
    await fetch(`${app.url}/upload/status?upload_id=${upload_id}`, { headers: TOKEN })
    await post(`${app.url}/upload/parts`, { upload_id, sign: [{ index: 1 }] }, TOKEN)
    await post(`${app.url}/upload/merge`, { upload_id }, TOKEN)
    await post(`${app.url}/upload/abort`, { upload_id }, TOKEN)
    expect((await post(`${app.url}/upload/init`, FILE)).status).toBe(401)
    expect((await init({ ...FILE, size: 0 })).status).toBe(400)
    expect(hook.received).toHaveLength(1)
  })

  it('does not ask it more often than the owner may call', async () => {
    const hook = await testServer((res) => res.end('{"allow":true}'))
    const url = `http://127.0.0.1:${hook.port}/`
    await uploadsWith({ PARTWAY_INIT_HOOK_URL: url }, 1)
    expect([(await init()).status, (await init()).status]).toEqual([201, 429])
    expect(hook.received).toHaveLength(1)
  })
})

describe('a hook that', () => {
  const answers: [string, Parameters<typeof testServer>[0], RegExp][] = [
    ['answers 500', (res) => res.writeHead(500).end('{"allow":true}'), /status 500/],
    ['answers 403', (res) => res.writeHead(403).end('{"allow":true}'), /status 403/],
    [
      'redirects',
      (res) => res.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
      /status 307/,
    ],
    ['answers nothing', (res) => res.end(), /not answer with JSON/],
    ['answers with a page', (res) => res.end('<h1>secret words</h1>'), /not answer with JSON/],
    ['answers with bad UTF-8', (res) => res.end(Buffer.from([0x22, 0xff, 0x22])), /with JSON/],
    ['answers with a misspelt field', (res) => res.end('{"allow":true,"prefix":"a/"}'), /prefix/],
    [
      'answers with a misspelt limit',
      (res) => res.end('{"allow":true,"limits":{"max_filesize":1}}'),
      /limits/,
    ],
    [
      'answers with a field of a long name',
      (res) => res.end(JSON.stringify({ allow: true, ['a'.repeat(9_999)]: 1 })),
      /^.{0,400}$/,
    ],
    ['answers with a list', (res) => res.end('[{"allow":true}]'), /not valid/],
    [
      'answers with too much',
      (res) => res.end(`{"allow":true}${' '.repeat(64 * 1024)}`),
      /too much/,
    ],
    ['hangs up', (res) => res.destroy(), /did not answer: connection \(ECONNRESET\)/],
    ['does not answer', () => {}, /did not answer: timeout/],
    ['does not end its answer', (res) => res.write('{"allow":true}'), /did not answer: timeout/],
  ]

  it.each(answers)('%s lets nobody in, and the log says why, once', async (_, answer, why) => {
    const hook = await hookThat(answer, { PARTWAY_INIT_HOOK_TIMEOUT: '500ms' })
    const reply = await init()
    expect(reply.headers.get('Retry-After')).toBe('5')
    const problem = await problemOf(reply)
    expect(problem).toMatchObject({ status: 503, code: 'HOOK_UNAVAILABLE', retry_after_ms: 5_000 })
    expect(faults).toEqual([expect.objectContaining({ message: expect.stringMatching(why) })])
    const told = `${JSON.stringify(problem)}${String(faults[0])}`
    expect(told).not.toMatch(/127\.0\.0\.1|not-for-logs|secret words/)
    expect(hook.received).toHaveLength(1)
    expect(bucket.calls).toEqual([])
  })

  it('is not there lets nobody in', async () => {
    await uploadsWith({ PARTWAY_INIT_HOOK_URL: 'http://127.0.0.1:1/' })
    expect(await problemOf(await init())).toMatchObject({ code: 'HOOK_UNAVAILABLE' })
    expect(String(faults)).toContain('ECONNREFUSED')
  })

  it('has a name that leads to this machine is not asked', async () => {
    const hook = await testServer((res) => res.end('{"allow":true}'))
    await uploadsWith({ PARTWAY_INIT_HOOK_URL: `https://localhost:${hook.port}/` })
    expect(await problemOf(await init())).toMatchObject({ code: 'HOOK_UNAVAILABLE' })
    expect(String(faults)).toContain('may not be asked: address')
    expect(hook.connections()).toBe(0)
  })
})
