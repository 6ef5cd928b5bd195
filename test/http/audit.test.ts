import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPartway } from '../../src/coordinator/create-partway.js'
import type { Partway } from '../../src/coordinator/partway.js'
import { createRouter } from '../../src/http/index.js'
import { ownerPseudonym } from '../../src/operations/index.js'
import { initReply, ROUTES, type RouteName } from '../../src/protocol/index.js'
import type { AuditConfig } from '../../src/server/audit/audit-config.js'
import { type Audit, openAudit } from '../../src/server/audit/open-audit.js'
import { verifyFiles } from '../../src/server/audit/verify-files.js'
import { createLog } from '../../src/server/logging.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { TestClock } from '../helpers/test-clock.js'
import { type HttpApp, problemOf, serveApp } from './http-app.js'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const BYTES = 'ten bytes.'
const FILE = { filename: 'a.bin', size: 10, checksum: 'none', fingerprint: 'a', sign: 'all' }
const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

interface World {
  readonly app: HttpApp
  readonly audit: Audit
  readonly partway: Partway
  readonly logged: string[]
}

let folder: string
let path: string
let bucket: MemoryBucket
let clock: TestClock
const worlds: World[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-audit-'))
  path = join(folder, 'audit.log')
  bucket = new MemoryBucket()
  await bucket.start()
  clock = new TestClock()
})
afterEach(async () => {
  for (const { app, audit, partway } of worlds.splice(0)) {
    await app.close()
    await partway.close()
    await audit.close()
  }
  await bucket.stop()
  await rm(folder, { recursive: true })
})

/** A coordinator behind its router; the owner is what the bearer token says. */
async function world(changes: Partial<AuditConfig> = {}): Promise<World> {
  const logged: string[] = []
  const log = createLog('debug', { write: (line) => logged.push(line) })
  const config: AuditConfig = {
    to: { kind: 'file', path },
    owners: 'hashed',
    isRequired: true,
    ...changes,
  }
  const stdout = { write: () => {} }
  const audit = await openAudit(config, { secret: SECRET, clock, log, stdout })
  const partway = createPartway({
    store: audit.store(openSqliteSessionStore(':memory:')),
    bucket,
    signer: bucket,
    secret: SECRET,
    clock,
  })
  const owner = (req: express.Request) => req.get('Authorization')?.slice('Bearer '.length)
  const { decisions } = audit
  const app = await serveApp(
    express().use(createRouter({ partway, owner, decisions, log: () => {} })),
  )
  const made = { app, audit, partway, logged }
  worlds.push(made)
  return made
}

async function ask(
  { app }: World,
  name: RouteName,
  { owner = 'ada', body, query }: { owner?: string; body?: unknown; query?: string } = {},
) {
  const { method, path: route } = ROUTES[name]
  return await fetch(`${app.url}${route}${query ?? ''}`, {
    method,
    headers: {
      'Content-Type': 'application/json',
      'X-Request-Id': `r-${name}`,
      ...(owner !== '' && { Authorization: `Bearer ${owner}` }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

async function begun(at: World, changes: object = {}) {
  const reply = await ask(at, 'init', { body: { ...FILE, ...changes } })
  return initReply.parse(await reply.json())
}

async function sent(at: World, changes: object = {}): Promise<string> {
  const { upload_id, parts = [] } = await begun(at, changes)
  for (const { url, headers } of parts) await fetch(url, { method: 'PUT', headers, body: BYTES })
  return upload_id
}

type Line = Record<string, unknown>

/** The lines so far, without what ties them together. */
async function lines(): Promise<Line[]> {
  const text = await readFile(path, 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { audit: _, hash: __, seq: ___, time: ____, ...rest } = JSON.parse(line)
      return rest
    })
}

describe('the audit log of a router', () => {
  const ada = ownerPseudonym(SECRET)('ada')

  it('says who did what to which upload, what came of it, and by which request', async () => {
    const at = await world()
    const upload = await sent(at)
    await ask(at, 'parts', { body: { upload_id: upload } })
    await ask(at, 'complete', { body: { upload_id: upload } })
    await ask(at, 'abort', { body: { upload_id: upload } })
    const by = { owner: ada, upload }
    expect((await lines()).slice(1)).toEqual([
      { event: 'upload.opened', ...by },
      {
        event: 'request.init',
        ...by,
        outcome: 'granted',
        status: 201,
        state: 'uploading',
        request: 'r-init',
      },
      { event: 'request.parts', ...by, outcome: 'granted', status: 200, request: 'r-parts' },
      { event: 'upload.completed', ...by, from: 'completing' },
      {
        event: 'request.complete',
        ...by,
        outcome: 'granted',
        status: 200,
        state: 'completed',
        request: 'r-complete',
      },
      {
        event: 'request.abort',
        ...by,
        outcome: 'refused',
        status: 409,
        code: 'WRONG_STATE',
        request: 'r-abort',
      },
    ])
    expect((await verifyFiles([path])).problems).toEqual([])
  })

  it('has every refusal, with the code and nothing of what was sent', async () => {
    const at = await world()
    const { upload_id: upload } = await begun(at)
    const start = (await lines()).length
    await ask(at, 'init', { owner: '' })
    await ask(at, 'abort', { owner: 'eve', body: { upload_id: upload } })
    await ask(at, 'status', { owner: 'eve', query: `?upload_id=${upload}` })
    await ask(at, 'init', { body: '{"marked' })
    await ask(at, 'parts', { body: { upload_id: 'https://marked.example/?X-Amz-Signature=1' } })
    await fetch(at.app.url + ROUTES.list.path, { method: 'DELETE' })
    const found = (await lines()).slice(start)
    const eve = ownerPseudonym(SECRET)('eve')
    expect(found).toEqual([
      expect.objectContaining({ event: 'request.init', code: 'UNAUTHENTICATED', status: 401 }),
      expect.objectContaining({ owner: eve, upload, code: 'UPLOAD_NOT_FOUND', status: 404 }),
      expect.objectContaining({ event: 'request.status', owner: eve, upload, status: 404 }),
      expect.objectContaining({ event: 'request.init', owner: ada, code: 'MALFORMED_JSON' }),
      expect.objectContaining({ event: 'request.parts', owner: ada, code: 'INVALID_REQUEST' }),
      expect.objectContaining({ event: 'request.list', code: 'UNAUTHENTICATED' }),
    ])
    expect(found[0]).not.toHaveProperty('owner')
    expect(JSON.stringify(found)).not.toContain('marked')
    for (const { outcome } of found) expect(outcome).toBe('refused')
  })

  it('has no reads that were answered, and neither names nor URLs', async () => {
    const at = await world()
    const { upload_id } = await begun(at, { filename: 'marked.bin' })
    const before = await lines()
    await ask(at, 'status', { query: `?upload_id=${upload_id}` })
    await ask(at, 'list')
    expect(await lines()).toEqual(before)
    const text = await readFile(path, 'utf8')
    for (const secret of ['marked', 'http:', 'ada"', SECRET]) expect(text).not.toContain(secret)
  })

  it('has what is done in the background as well: what was verified, failed and expired', async () => {
    const at = await world()
    const sha256 = createHash('sha256').update(BYTES).digest('hex')
    const right = await sent(at, { file_hash: sha256 })
    const wrong = await sent(at, { file_hash: '0'.repeat(64) })
    for (const upload_id of [right, wrong]) await ask(at, 'complete', { body: { upload_id } })
    const { upload_id: late } = await begun(at)
    clock.advance(8 * DAY_MS)
    const start = (await lines()).length
    for (const id of [right, wrong, late]) await at.partway.resume({ owner: 'ada', id })
    expect((await lines()).slice(start)).toEqual([
      { event: 'upload.completed', owner: ada, upload: right, from: 'verifying' },
      { event: 'upload.failed', owner: ada, upload: wrong, from: 'verifying' },
      { event: 'upload.expired', owner: ada, upload: late, from: 'aborting' },
    ])
  })

  it('has the completion that another took up from a server that got no answer', async () => {
    const at = await world()
    const upload = await sent(at)
    bucket.after = (name) => {
      if (name === 'completeMultipartUpload' || name === 'headObject') throw new Error('reset')
    }
    expect((await ask(at, 'complete', { body: { upload_id: upload } })).status).toBe(503)
    bucket.after = () => {}
    clock.advance(HOUR_MS)
    await at.partway.resume({ owner: 'ada', id: upload })
    expect((await lines()).slice(-2)).toEqual([
      expect.objectContaining({ event: 'request.complete', outcome: 'failed', status: 503 }),
      { event: 'upload.completed', owner: ada, upload, from: 'completing' },
    ])
  })

  it('names owners when it is told to', async () => {
    const at = await world({ owners: 'plain' })
    await ask(at, 'init', { owner: 'Ada é', body: FILE })
    expect((await lines()).at(-1)).toMatchObject({ event: 'request.init', owner: 'Ada é' })
  })

  it('keeps its order and its chain when many ask at once', async () => {
    const at = await world()
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => begun(at, { fingerprint: String(n), sign: 1 })),
    )
    expect(await verifyFiles([path])).toMatchObject({ problems: [], records: 121 })
  })
})

describe('an audit log on a full disk', () => {
  /** From here on every write fails, as it does on a full disk. */
  async function fill({ audit }: World): Promise<void> {
    await rename(path, `${path}.1`)
    await symlink('/dev/full', path)
    await expect(audit.reopen?.()).rejects.toMatchObject({ code: 'ENOSPC' })
  }

  it('keeps the server from starting', async () => {
    await symlink('/dev/full', path)
    await expect(world()).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  it('lets nothing be decided, until there is room again', async () => {
    const at = await world()
    const upload = await sent(at)
    await fill(at)
    const refused = [
      await ask(at, 'init', { body: { ...FILE, fingerprint: 'b' } }),
      await ask(at, 'complete', { body: { upload_id: upload } }),
      await ask(at, 'init', { owner: '' }),
    ]
    for (const reply of refused) {
      expect(reply.headers.get('Retry-After')).toBe('5')
      expect(await problemOf(reply)).toMatchObject({ status: 503, code: 'AUDIT_UNAVAILABLE' })
    }
    expect(at.logged.join()).toContain('audit.fault')
    expect(at.audit.broken()).toBe('Decisions cannot be recorded.')
    await expect(at.partway.resume({ owner: 'ada', id: upload })).resolves.toBe(undefined)
    expect((await ask(at, 'status', { query: `?upload_id=${upload}` })).status).toBe(503)
    await rm(path)
    await rename(`${path}.1`, path)
    // Whoever asks whether the server is ready has it tried again.
    await expect.poll(() => at.audit.broken()).toBe(undefined)
    expect((await ask(at, 'complete', { body: { upload_id: upload } })).status).toBe(200)
    expect((await verifyFiles([path])).problems).toEqual([])
    const events = (await lines()).map(({ event }) => event)
    expect(events.filter((event) => event === 'upload.opened')).toHaveLength(1)
    expect(events.at(-1)).toBe('request.complete')
  })

  it('lets the background do nothing that cannot be recorded', async () => {
    const at = await world()
    const { upload_id: id } = await begun(at)
    clock.advance(8 * DAY_MS)
    await fill(at)
    await expect(at.partway.resume({ owner: 'ada', id })).rejects.toMatchObject({ status: 503 })
    await rm(path)
    await rename(`${path}.1`, path)
    clock.advance(HOUR_MS)
    await at.partway.resume({ owner: 'ada', id })
    expect((await lines()).at(-1)).toMatchObject({ event: 'upload.expired', upload: id })
  })

  it('is only told of in the log when it is not required', async () => {
    const at = await world({ isRequired: false })
    await fill(at)
    const upload = await sent(at)
    expect((await ask(at, 'complete', { body: { upload_id: upload } })).status).toBe(200)
    expect(at.logged.filter((line) => line.includes('audit.fault')).length).toBeGreaterThan(1)
  })
})
