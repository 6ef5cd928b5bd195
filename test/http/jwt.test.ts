import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Caller } from '../../src/coordinator/partway.js'
import { openAuthenticator } from '../../src/server/auth/authenticator.js'
import { createLog } from '../../src/server/logging.js'
import { fakePartway, UPLOAD_ID } from './fake-partway.js'
import { type HttpApp, post, problemOf, serveApp } from './http-app.js'
import { serverApp } from './server-app.js'

/** The application of the server with an issuer that it asks for its keys. */
let pair: GenerateKeyPairResult
let issuer: Server
let isAway: boolean
let app: HttpApp
let callers: Caller[]
let lines: string[]
let now: number

beforeAll(async () => {
  pair = await generateKeyPair('RS256', { extractable: true })
})

beforeEach(async () => {
  isAway = false
  now = Date.now()
  callers = []
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256' }]
  issuer = createServer((_req, res) => {
    if (isAway) res.writeHead(503).end()
    else res.end(JSON.stringify({ keys }))
  })
  issuer.listen(0, '127.0.0.1')
  await once(issuer, 'listening')
  const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`
  const log = createLog('debug', { write: (line) => lines.push(line) })
  const { access } = await openAuthenticator(
    {
      kind: 'jwt',
      keys: { kind: 'jwks', url },
      algorithms: ['RS256'],
      issuer: 'https://issuer.example',
      audiences: ['uploads'],
      ownerClaim: 'sub',
      limitsClaim: 'uploads',
    },
    { log, clock: { now: () => now } },
  )
  const partway = fakePartway({
    list: async (caller) => {
      callers.push(caller)
      return { uploads: [] }
    },
  })
  const server = serverApp({ partway, access })
  lines = server.lines
  app = await serveApp(server.app)
})
afterEach(async () => {
  await app.close()
  issuer.close()
})

const tokenOf = (claims: object = {}) =>
  new SignJWT({ iss: 'https://issuer.example', aud: 'uploads', sub: 'ada', ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setExpirationTime('1 hour')
    .sign(pair.privateKey)

const list = (token: string) =>
  fetch(`${app.url}/uploads`, { headers: { Authorization: `Bearer ${token}` } })

describe('a server with JSON Web Tokens', () => {
  it('knows the owner by a token that is in order', async () => {
    expect((await list(await tokenOf())).status).toBe(200)
    expect(callers).toEqual([{ owner: 'ada' }])
  })

  it('knows the limits by the claim that has them', async () => {
    await list(await tokenOf({ uploads: { max_open_uploads: 3 } }))
    expect(callers).toEqual([{ owner: 'ada', limits: { maxOpenUploads: 3 } }])
  })

  it('asks at every request: a token that runs out during an upload does nothing more for it', async () => {
    const token = await tokenOf()
    const headers = { Authorization: `Bearer ${token}` }
    const body = { upload_id: UPLOAD_ID }
    expect((await post(`${app.url}/upload/parts`, body, headers)).status).toBe(200)
    now += 3_700_000
    for (const route of ['parts', 'complete', 'abort']) {
      expect((await post(`${app.url}/upload/${route}`, body, headers)).status).toBe(401)
    }
  })

  it('answers every other token in the same words, and tells only its own log why', async () => {
    const tokens = [
      'marked',
      await tokenOf({ aud: 'marked' }),
      await tokenOf({ iss: 'marked' }),
      await tokenOf({ uploads: { marked: 1 } }),
      await tokenOf({ nbf: Date.now() / 1_000 + 60 }),
      `${(await tokenOf()).slice(0, -8)}AAAAAAAA`,
      await tokenOf({ marked: 'x'.repeat(9_000) }),
    ]
    const details = new Set<string | undefined>()
    for (const token of tokens) {
      const reply = await list(token)
      expect(reply.status).toBe(401)
      expect(reply.headers.get('WWW-Authenticate')).toBe('Bearer')
      details.add((await problemOf(reply)).detail)
    }
    expect(details.size).toBe(1)
    expect(callers).toEqual([])
    const log = lines.join('')
    expect(log).toContain('"reason":"ERR_JWT_CLAIM_VALIDATION_FAILED"')
    expect(log).toContain('"reason":"BAD_LIMITS"')
    expect(log).not.toContain('marked')
    for (const token of tokens) expect(log).not.toContain(token)
  })

  it('does not parse a token of 1 MB', async () => {
    const huge = list(`e30.${'A'.repeat(1024 * 1024)}.AA`)
    // The reply may get lost, because the connection is closed while the header is still being sent.
    const outcome = await huge.then(
      ({ status }) => status,
      () => 'cut off',
    )
    expect([431, 'cut off']).toContain(outcome)
    expect(callers).toEqual([])
    expect((await list(await tokenOf())).status).toBe(200)
  })

  it('says 503, and when to try again, while the issuer is away and its keys are not known', async () => {
    isAway = true
    const token = await tokenOf()
    const reply = await list(token)
    expect(await problemOf(reply)).toMatchObject({ status: 503, code: 'AUTH_UNAVAILABLE' })
    expect(reply.headers.get('Retry-After')).toBe('10')
    expect((await list('marked')).status).toBe(401)
    expect(lines.join('')).not.toContain(token)
  })

  it('goes on serving while the issuer is away and its keys are known', async () => {
    const token = await tokenOf()
    expect((await list(token)).status).toBe(200)
    isAway = true
    expect((await list(token)).status).toBe(200)
  })
})
