import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/http/index.js'
import { initReply, ROUTES, type RouteName } from '../../src/protocol/index.js'
import { type Authenticator, openAuthenticator } from '../../src/server/auth/authenticator.js'
import { newToken } from '../../src/server/auth/token-lines.js'
import { createLog } from '../../src/server/logging.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { fakePartway } from './fake-partway.js'
import { type HttpApp, problemOf, serveApp } from './http-app.js'
import { memoryPartway } from './memory-partway.js'
import { type Call as Asked, FILE, ROUTE_TABLE } from './route-table.js'
import { serverApp } from './server-app.js'

/** Everything is real here but the bytes of the bucket. */

const ada = newToken('ada')
const bob = newToken('bob')
const bucket = new MemoryBucket()
const partway = memoryPartway(bucket)
let folder: string
let authenticator: Authenticator
let app: HttpApp
let lines: string[]
let uploadId: string

beforeAll(async () => {
  await bucket.start()
  folder = await mkdtemp(join(tmpdir(), 'partway-auth-'))
  const file = join(folder, 'tokens')
  await writeFile(file, `${ada.line}\n${bob.line}\n`)
  const log = createLog('silent', { write: () => {} })
  authenticator = await openAuthenticator({ kind: 'token', file }, { log, clock: Date })
  const server = serverApp({ partway, access: authenticator.access })
  lines = server.lines
  app = await serveApp(server.app)
})
afterAll(async () => {
  await app.close()
  authenticator.close()
  await partway.close()
  await bucket.stop()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  const reply = await ask('init', { body: FILE, authorization: bearer(ada.token) })
  uploadId = initReply.parse(await reply.json()).upload_id
})

const bearer = (token: string) => `Bearer ${token}`

interface Call extends Asked {
  readonly authorization?: string
  readonly method?: string
}

async function ask(name: RouteName, { body, query, authorization, method }: Call) {
  const route = ROUTES[name]
  return await fetch(`${app.url}${route.path}?${new URLSearchParams(query)}`, {
    method: method ?? route.method,
    headers: {
      'X-Request-Id': 'r-1',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(authorization !== undefined && { Authorization: authorization }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

const names = Object.keys(ROUTE_TABLE).filter((name): name is RouteName =>
  Object.hasOwn(ROUTES, name),
)

const BAD_CREDENTIALS: readonly [string, string | undefined][] = [
  ['no credential', undefined],
  ['an unknown token', bearer('x'.repeat(43))],
  ['a token with a letter changed', bearer(`${ada.token.slice(0, -1)}_`)],
  ['the hash of a token', bearer(ada.line.split(':').at(-1) ?? '')],
  ['an empty token', 'Bearer '],
  ['another scheme', `Basic ${Buffer.from(`ada:${ada.token}`).toString('base64')}`],
  ['two tokens', `Bearer ${ada.token}, Bearer ${ada.token}`],
  ['a token of 10 KB', bearer('x'.repeat(10_000))],
]

async function whole(response: Response) {
  const headers = [...response.headers].filter(([name]) => name !== 'date')
  return { status: response.status, headers, body: await response.text() }
}

describe.each(names)('%s', (name) => {
  const { requests, right } = ROUTE_TABLE[name]
  const call = (authorization: string | undefined) =>
    ask(name, {
      ...requests(uploadId).plain,
      ...(authorization !== undefined && { authorization }),
    })

  it('answers 401 in the very same way to every credential that is not right', async () => {
    const answers = []
    for (const [, authorization] of BAD_CREDENTIALS) {
      const response = await call(authorization)
      expect(response.status).toBe(401)
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer')
      answers.push(await whole(response))
    }
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('answers 401 to every other method but OPTIONS as well', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      expect((await ask(name, { method })).status, method).toBe(401)
    }
    expect((await ask(name, { method: 'OPTIONS' })).status).toBe(204)
  })

  it('does not read the body of a caller that is not known', async () => {
    const response = await fetch(app.url + ROUTES[name].path, {
      method: ROUTES[name].method,
      ...(ROUTES[name].method === 'POST' && { body: '{ not json' }),
    })
    expect(response.status).toBe(401)
  })

  it('answers the owner', async () => {
    expect((await call(bearer(ada.token))).status).toBe(right)
  })
})

describe('without a credential', () => {
  it.each(['/healthz', '/readyz', '/openapi.json', '/docs'])('%s is open', async (path) => {
    expect((await fetch(app.url + path)).status).toBe(200)
  })

  it('neither token nor hash is ever in the log', async () => {
    const token = bearer(`${'m'.repeat(20)}arked`)
    await (await ask('list', { authorization: token })).text()
    await expect.poll(() => lines.join()).toContain('"status":401')
    for (const text of [ada.token, bob.token, token.slice(7), ada.line.split(':').at(-1)]) {
      expect(lines.join()).not.toContain(text)
    }
  })
})

describe('an application that embeds the router', () => {
  const answerOf = async (options: Partial<Parameters<typeof createRouter>[0]>) => {
    const { default: express } = await import('express')
    const router = createRouter({ partway: fakePartway(), log: () => {}, ...options })
    const host = await serveApp(express().use(router))
    const response = await fetch(`${host.url}/uploads`)
    const answer = { status: response.status, text: await response.clone().text(), response }
    await host.close()
    return answer
  }

  it('lets nobody in when it does not say who may call', async () => {
    const { status, response } = await answerOf({})
    expect(status).toBe(401)
    expect((await problemOf(response)).code).toBe('UNAUTHENTICATED')
  })

  it('lets nobody in for whom it names no owner', async () => {
    expect((await answerOf({ owner: () => undefined })).status).toBe(401)
    expect((await answerOf({ authenticate: async () => undefined })).status).toBe(401)
  })

  it('gives the coordinator the caller as it has authenticated it', async () => {
    const callers: unknown[] = []
    const list = async (caller: unknown) => {
      callers.push(caller)
      return { uploads: [] }
    }
    const caller = Object.freeze({ owner: 'ada' })
    const options = { partway: fakePartway({ list }), authenticate: () => caller }
    expect((await answerOf(options)).status).toBe(200)
    expect(callers).toEqual([caller])
  })

  it('cannot say two things at once', () => {
    const owner = () => 'ada'
    const authenticate = () => ({ owner: 'ada' })
    for (const access of [
      { owner, authenticate },
      { owner, allowAnonymous: true },
      { authenticate, allowAnonymous: true },
    ]) {
      expect(() => createRouter({ partway: fakePartway(), ...access })).toThrow(TypeError)
    }
  })
})
