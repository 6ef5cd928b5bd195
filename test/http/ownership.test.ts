import { createHash } from 'node:crypto'
import express, { type Router } from 'express'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/http/index.js'
import { OPERATIONS } from '../../src/http/operations.js'
import {
  initReply,
  listReply,
  partsReply,
  ROUTES,
  type RouteName,
} from '../../src/protocol/index.js'
import { openAuthenticator } from '../../src/server/auth/authenticator.js'
import { createLog } from '../../src/server/logging.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { TestClock } from '../helpers/test-clock.js'
import { type HttpApp, serveApp } from './http-app.js'
import { memoryPartway } from './memory-partway.js'
import { type Call, FILE, ROUTE_TABLE } from './route-table.js'

/**
 * Every route × every caller × every kind of upload of somebody else. All is real but the bytes of the bucket: the
 * router, JSON Web Tokens, the coordinator, SQLite.
 */

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const BYTES = 'ten bytes.'
const ROOT = `${createHash('sha256')
  .update(createHash('sha256').update(BYTES).digest())
  .digest('base64')}-1`
const CONTENT = { filename: 'b.bin', size: 10, checksum: 'sha256', digest: ROOT }
const HOUR_MS = 60 * 60 * 1000

const clock = new TestClock()
const bucket = new MemoryBucket({ clock })
const partway = memoryPartway(bucket, {
  clock,
  settings: { sessionTtlMs: 24 * HOUR_MS, retentionMs: 100 * 24 * HOUR_MS },
})
let app: HttpApp
let router: Router

const names = Object.keys(ROUTE_TABLE).filter((name): name is RouteName =>
  Object.hasOwn(ROUTES, name),
)
const bearer = new Map<string, string>()
/** Ada's uploads, by what has become of them; and ids that are nobody's. */
const uploads = new Map<string, string>()

beforeAll(async () => {
  await bucket.start()
  const { access } = await openAuthenticator(
    {
      kind: 'jwt',
      keys: { kind: 'secret', secrets: [SECRET] },
      algorithms: ['HS256'],
      issuer: 'https://issuer.example',
      audiences: ['uploads'],
      ownerClaim: 'sub',
    },
    { log: createLog('silent', { write: () => {} }), clock },
  )
  router = createRouter({ partway, ...access })
  app = await serveApp(express().use(router))
  bearer.set('expired', await token('ada', 60))
  for (const owner of ['ada', 'eve', 'new']) bearer.set(owner, await token(owner, 10 ** 9))
  await makeUploads()
})
afterAll(async () => {
  await app.close()
  await partway.close()
  await bucket.stop()
})

async function token(owner: string, seconds: number): Promise<string> {
  const now = Math.floor(clock.now() / 1_000)
  const jwt = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(owner)
    .setIssuer('https://issuer.example')
    .setAudience('uploads')
    .setExpirationTime(now + seconds)
    .sign(new TextEncoder().encode(SECRET))
  return `Bearer ${jwt}`
}

/** One of each, the oldest first, and time passes until the first is forgotten and the second has run out. */
async function makeUploads(): Promise<void> {
  const begin = async (kind: string, changes: object = {}) => {
    const reply = await ask('init', { body: { ...FILE, fingerprint: kind, ...changes } }, 'ada')
    const { upload_id } = initReply.parse(await reply.json())
    uploads.set(kind, upload_id)
    return upload_id
  }
  await begin('purged')
  clock.advance(102 * 24 * HOUR_MS)
  await begin('overdue')
  clock.advance(25 * HOUR_MS)
  await begin('uploading')
  await ask('abort', { body: { upload_id: await begin('aborted') } }, 'ada')
  const upload_id = await begin('completed', CONTENT)
  const sign = [{ index: 1, checksum: createHash('sha256').update(BYTES).digest('base64') }]
  const signed = await ask('parts', { body: { upload_id, sign } }, 'ada')
  const [part] = partsReply.parse(await signed.json()).parts
  await fetch(part?.url ?? '', { method: 'PUT', headers: part?.headers ?? {}, body: BYTES })
  const done = await ask('complete', { body: { upload_id } }, 'ada')
  expect(done.status).toBe(200)
  // Nobody but Ada may be told so, and she is no longer told of the first.
  const states = await Promise.all(
    [...uploads].map(async ([kind, id]) => [kind, (await statusOf(id)).state]),
  )
  expect(Object.fromEntries(states)).toEqual({
    purged: undefined,
    overdue: 'expired',
    uploading: 'uploading',
    aborted: 'aborted',
    completed: 'completed',
  })
}

async function statusOf(upload_id: string): Promise<{ state?: string }> {
  return (await ask('status', { query: { upload_id } }, 'ada')).json()
}

async function ask(name: RouteName, { body, query }: Call, caller: string | undefined) {
  const { method, path } = ROUTES[name]
  const authorization = caller === undefined ? undefined : (bearer.get(caller) ?? caller)
  return await fetch(`${app.url}${path}?${new URLSearchParams(query)}`, {
    method,
    headers: {
      'X-Request-Id': 'r-1',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(authorization !== undefined && { Authorization: authorization }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

/** Everything that a caller can see of an answer. */
async function seen(name: RouteName, call: Call, caller?: string) {
  const response = await ask(name, call, caller)
  const headers = [...response.headers].filter(([header]) => header !== 'date')
  return { status: response.status, headers, body: await response.text() }
}

/** What is mounted, as `METHOD path`. `all` is how every other method is refused. */
function mounted({ stack }: Router): string[] {
  const routes = stack.flatMap(({ route }) => (route ? [route] : []))
  return routes.flatMap(({ path, stack }) =>
    stack.flatMap(({ method }) =>
      method === undefined ? [] : [`${method.toUpperCase()} ${path}`],
    ),
  )
}

const inTable = () => names.map((name) => `${ROUTES[name].method} ${ROUTES[name].path}`)

describe('the table of routes', () => {
  it('has every route of the protocol and of the document, and the router has no other', () => {
    expect([...names].sort()).toEqual(Object.keys(ROUTES).sort())
    expect([...names].sort()).toEqual(Object.keys(OPERATIONS).sort())
    expect(mounted(router).sort()).toEqual(inTable().sort())
  })

  it('would be found to lack a route that was added beside it', () => {
    const another = createRouter({ partway })
    another.delete('/upload/init', (_req, res) => void res.end())
    another.get('/upload/secrets', (_req, res) => void res.end())
    const added = mounted(another).filter((route) => !inTable().includes(route))
    expect(added.sort()).toEqual(['DELETE /upload/init', 'GET /upload/secrets'])
  })
})

const KINDS = ['uploading', 'overdue', 'aborted', 'completed', 'purged'] as const
const ABSENT = createHash('sha256').update('nobody’s').digest('base64url')

describe.each(names)('%s', (name) => {
  const { requests, other } = ROUTE_TABLE[name]
  const variants = Object.keys(requests(ABSENT))
  const callOf = (variant: string, kind: string): Call =>
    requests(uploads.get(kind) ?? ABSENT)[variant] ?? {}

  if (other === 'as if it were absent') {
    it.each(variants)(
      '%s: answers another owner as for an upload that never was',
      async (variant) => {
        const absent = await seen(name, callOf(variant, 'never'), 'eve')
        expect(absent.status).toBe(404)
        for (const kind of KINDS) {
          expect(await seen(name, callOf(variant, kind), 'eve'), kind).toEqual(absent)
        }
        // The owner sees no more of what was forgotten, or never was.
        expect(await seen(name, callOf(variant, 'purged'), 'ada')).toEqual(absent)
        expect(await seen(name, callOf(variant, 'never'), 'ada')).toEqual(absent)
      },
    )
  } else {
    it.each(variants)(
      '%s: answers another owner as one for whom there never was any',
      async (variant) => {
        const call = callOf(variant, 'uploading')
        const reply = await seen(name, call, 'eve')
        const [, ownId = ''] = /"upload_id":"([^"]+)"/.exec(reply.body) ?? []
        const unlinked = (answer: typeof reply, id: string) => ({
          ...answer,
          // A second may pass in between.
          body: answer.body.replaceAll(id || 'no id', 'its id').replace(/"expires_in":\d+/, ''),
        })
        const fresh = await seen(name, call, 'new')
        const [, freshId = ''] = /"upload_id":"([^"]+)"/.exec(fresh.body) ?? []
        expect(unlinked(reply, ownId)).toEqual(unlinked(fresh, freshId))
        for (const id of uploads.values()) expect(reply.body).not.toContain(id)
      },
    )
  }

  it.each(variants)(
    '%s: answers nobody, and a token that has run out, the same',
    async (variant) => {
      const nobody = await seen(name, callOf(variant, 'never'))
      expect(nobody.status).toBe(401)
      for (const kind of [...KINDS, 'never']) {
        for (const caller of [undefined, 'expired', 'Bearer x', 'Basic YWRhOmFkYQ==']) {
          expect(await seen(name, callOf(variant, kind), caller), `${kind} ${caller}`).toEqual(
            nobody,
          )
        }
      }
    },
  )
})

describe('after all of that', () => {
  it('nothing of Ada’s was touched', async () => {
    const expected = {
      uploading: 'uploading',
      overdue: 'expired',
      aborted: 'aborted',
      completed: 'completed',
    }
    for (const [kind, state] of Object.entries(expected)) {
      expect(await statusOf(uploads.get(kind) ?? ''), kind).toMatchObject({ state })
    }
    const listed = listReply.parse(await (await ask('list', {}, 'ada')).json())
    const ids = listed.uploads.map(({ upload_id }) => upload_id)
    expect(ids.sort()).toEqual(
      Object.keys(expected)
        .map((kind) => uploads.get(kind))
        .sort(),
    )
  })

  it('content that Ada has stored is nothing that Eve need not send', async () => {
    const own = initReply.parse(
      await (await ask('init', { body: { ...CONTENT, filename: 'c.bin' } }, 'ada')).json(),
    )
    expect(own.state).toBe('completed')
    const reply = await ask('init', { body: { ...CONTENT, filename: 'c.bin' } }, 'eve')
    expect(reply.status).toBe(201)
    expect(initReply.parse(await reply.json())).toMatchObject({ state: 'uploading', uploaded: [] })
  })
})
