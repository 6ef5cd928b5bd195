import { createConnection } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Access, Rate, RateLimits } from '../../src/http/index.js'
import { limitedRates } from '../../src/http/index.js'
import { ROUTES, type RouteName } from '../../src/protocol/index.js'
import { fakePartway, UPLOAD_ID } from './fake-partway.js'
import { type HttpApp, post, problemOf, serveApp, serveRouter } from './http-app.js'
import { serverApp } from './server-app.js'

let app: HttpApp
let lines: string[]

afterEach(() => app.close())

interface Setting {
  readonly limits: RateLimits
  readonly access?: Access
  readonly redis?: () => Promise<object>
}

/** `X-Owner` says who is calling, and `X-Forwarded-For` from where. */
async function serve({ limits, access, redis }: Setting): Promise<void> {
  const server = serverApp({
    access: access ?? { owner: (req) => req.get('X-Owner') },
    guard: {
      rates: limitedRates({ limits, ...(redis !== undefined && { redis }) }),
      inFlightPerAddress: 100,
      trustProxy: 1,
    },
  })
  lines = server.lines
  app = await serveApp(server.app)
}

const BODIES: Readonly<Partial<Record<RouteName, object>>> = {
  init: { filename: 'a.bin', size: 10 },
  parts: { upload_id: UPLOAD_ID },
  complete: { upload_id: UPLOAD_ID },
  merge: { upload_id: UPLOAD_ID },
  abort: { upload_id: UPLOAD_ID },
}

async function call(
  name: RouteName,
  { owner = 'ada', from = '192.0.2.1' } = {},
): Promise<Response> {
  const headers = { ...(owner !== '' && { 'X-Owner': owner }), 'X-Forwarded-For': from }
  const url = app.url + ROUTES[name].path
  const body = BODIES[name]
  if (body !== undefined) return await post(url, body, headers)
  const query = name === 'status' ? `?upload_id=${UPLOAD_ID}` : ''
  return await fetch(url + query, { headers })
}

/** The statuses of so many calls, one after the other. */
async function statuses(count: number, make: (i: number) => Promise<Response>): Promise<number[]> {
  const found: number[] = []
  for (let i = 0; i < count; i++) found.push((await make(i)).status)
  return found
}

const rate = (limit: number): Rate => ({ limit, windowSeconds: 60 })

describe('an owner', () => {
  it('is told how many calls are left, and refused with the time to wait when there are none', async () => {
    await serve({ limits: { owner: { init: rate(2) } } })
    const first = await call('init')
    expect(first.status).toBe(201)
    expect(first.headers.get('RateLimit-Policy')).toBe('2;w=60')
    expect(first.headers.get('RateLimit-Limit')).toBe('2')
    expect(first.headers.get('RateLimit-Remaining')).toBe('1')
    const reset = Number(first.headers.get('RateLimit-Reset'))
    expect(reset).toBeGreaterThan(50)
    expect(reset).toBeLessThanOrEqual(60)
    expect((await call('init')).headers.get('RateLimit-Remaining')).toBe('0')

    const refused = await call('init', { from: '192.0.2.2' })
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(50)
    expect(refused.headers.get('RateLimit-Remaining')).toBe('0')
    const problem = await problemOf(refused)
    expect(problem).toMatchObject({ status: 429, code: 'TOO_MANY_REQUESTS' })
    expect(problem.retry_after_ms).toBeGreaterThan(50_000)
    expect((await call('init', { owner: 'bob' })).status).toBe(201)
  })

  it.each([
    { name: 'init', group: 'init' },
    { name: 'parts', group: 'parts' },
    { name: 'status', group: 'status' },
    { name: 'complete', group: 'complete' },
    { name: 'merge', group: 'complete' },
    { name: 'abort', group: 'other' },
    { name: 'list', group: 'other' },
  ] as const)('has a rate for $name that the others do not use up', async ({ name, group }) => {
    await serve({ limits: { owner: { [group]: rate(1) } } })
    for (const other of ['init', 'parts', 'status', 'complete', 'abort'] as const) {
      if (name !== other) expect((await call(other)).status, other).toBeLessThan(300)
    }
    const isShared = name === 'merge' || name === 'list'
    expect(await statuses(2, () => call(name))).toEqual(
      isShared ? [429, 429] : [name === 'init' ? 201 : 200, 429],
    )
  })

  it('may call again when the window has ended', async () => {
    await serve({ limits: { owner: { status: { limit: 1, windowSeconds: 1 } } } })
    expect(await statuses(2, () => call('status'))).toEqual([200, 429])
    await expect.poll(async () => (await call('status')).status, { timeout: 3_000 }).toBe(200)
  })

  it('cannot shut others out where everybody is one: only addresses are counted then', async () => {
    const limits = { owner: { status: rate(1) }, address: { status: rate(2) } }
    await serve({ limits, access: { allowAnonymous: true } })
    expect(await statuses(3, () => call('status'))).toEqual([200, 200, 429])
    expect((await call('status', { from: '192.0.2.2' })).status).toBe(200)
  })
})

describe('an address', () => {
  it('has a rate whatever owners call from it', async () => {
    await serve({ limits: { address: { init: rate(2) } } })
    const owners = ['ada', 'bob', 'eve']
    expect(await statuses(3, (i) => call('init', { owner: owners[i] ?? '' }))).toEqual([
      201, 201, 429,
    ])
    expect((await call('init', { from: '192.0.2.2' })).status).toBe(201)
  })

  it('is a whole network in IPv6', async () => {
    await serve({ limits: { address: { status: rate(2) } } })
    const hop = (i: number) => call('status', { from: `2001:db8:0:7:${i}::${i + 1}` })
    expect(await statuses(4, hop)).toEqual([200, 200, 429, 429])
    expect((await call('status', { from: '2001:db8:0:8::1' })).status).toBe(200)
  })

  it('is not what X-Forwarded-For says when no proxy is trusted, and the log says so once', async () => {
    const rates = limitedRates({ limits: { address: { status: rate(2) } } })
    const server = serverApp({ guard: { rates, inFlightPerAddress: 100 } })
    app = await serveApp(server.app)
    const spoofed = (i: number) => call('status', { from: `192.0.2.${i}` })
    expect(await statuses(4, spoofed)).toEqual([200, 200, 429, 429])
    expect(server.lines.filter((line) => line.includes('PARTWAY_TRUST_PROXY'))).toHaveLength(1)
  })

  it('is what the trusted proxy saw, not what the client wrote before it', async () => {
    await serve({ limits: { address: { status: rate(2) } } })
    const spoofed = (i: number) => call('status', { from: `10.9.9.${i}, 192.0.2.1` })
    expect(await statuses(3, spoofed)).toEqual([200, 200, 429])
    const garbage = (i: number) => call('status', { from: `198.51.100.7:${i}` })
    expect(await statuses(3, garbage)).toEqual([200, 200, 429])
  })

  it('may have so many requests under way, and further ones when some of them have ended', async () => {
    let goOn = (): void => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const partway = fakePartway({
      abort: async () => {
        await held
        return { uploadId: UPLOAD_ID, state: 'aborted' }
      },
    })
    app = await serveRouter({ partway, allowAnonymous: true, inFlightPerAddress: 2 })
    const slow = [call('abort'), call('abort')]
    await expect.poll(async () => (await call('status')).status).toBe(429)
    const refused = await call('status')
    expect(refused.headers.get('Retry-After')).toBe('1')
    expect((await problemOf(refused)).code).toBe('TOO_MANY_REQUESTS')
    goOn()
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200])
    await expect.poll(async () => (await call('status')).status).toBe(200)
  })
})

describe('requests that are cut off', () => {
  it('are not under way any more, even those that waited behind another one', async () => {
    let goOn = (): void => {}
    let held: Promise<void> | undefined
    let arrived = 0
    const hold = (): void => {
      held = new Promise((resolve) => {
        goOn = resolve
      })
    }
    const partway = fakePartway({
      abort: async () => {
        arrived += 1
        await held
        return { uploadId: UPLOAD_ID, state: 'aborted' }
      },
    })
    hold()
    app = await serveRouter({ partway, allowAnonymous: true, inFlightPerAddress: 4 })
    const body = JSON.stringify({ upload_id: UPLOAD_ID })
    const head = 'POST /upload/abort HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
    const whole = `${head}Content-Length: ${body.length}\r\n\r\n${body}`
    const socket = createConnection(Number(new URL(app.url).port), '127.0.0.1')
    // The last one never comes whole.
    socket.write(`${whole}${whole}${whole}${head}Content-Length: 1000\r\n\r\n{`)
    await expect.poll(() => arrived).toBe(3)
    expect((await call('status')).status).toBe(429)
    socket.destroy()
    goOn()
    await expect.poll(async () => (await call('status')).status).toBe(200)
    hold()
    const all = Array.from({ length: 4 }, () => call('abort'))
    await expect.poll(() => arrived).toBe(7)
    goOn()
    for (const { status } of await Promise.all(all)) expect(status).toBe(200)
  })
})

describe('refused credentials', () => {
  it('lead to 429 before a credential is looked at, from that address alone', async () => {
    const looked: string[] = []
    const owner: Access['owner'] = (req) => {
      looked.push(req.ip ?? '')
      return req.get('X-Owner')
    }
    await serve({ limits: { refused: rate(3) }, access: { owner } })
    const guess = () => call('status', { owner: '' })
    expect(await statuses(5, guess)).toEqual([401, 401, 401, 429, 429])
    expect(looked).toHaveLength(3)
    const refused = await call('status')
    expect(refused.headers.get('Retry-After')).not.toBeNull()
    expect((await problemOf(refused)).code).toBe('TOO_MANY_REQUESTS')
    expect((await call('status', { from: '192.0.2.2' })).status).toBe(200)
  })

  it('are counted at methods that no route has as well', async () => {
    await serve({ limits: { refused: rate(2) } })
    const guess = () => fetch(`${app.url}${ROUTES.status.path}`, { method: 'DELETE' })
    expect(await statuses(3, guess)).toEqual([401, 401, 429])
  })

  it('are not those that are right', async () => {
    await serve({ limits: { refused: rate(1) } })
    expect(await statuses(3, () => call('status'))).toEqual([200, 200, 200])
  })
})

describe('while calls cannot be counted together', () => {
  const away = async (): Promise<object> => {
    throw new Error('Redis is away')
  }
  const each = { init: rate(2), parts: rate(2), status: rate(2), complete: rate(2), other: rate(2) }

  it.each(['init', 'parts', 'complete', 'merge', 'abort', 'list'] as const)(
    '%s lets nobody in, and says when to come again',
    async (name) => {
      await serve({ limits: { owner: each }, redis: away })
      const refused = await call(name)
      expect(refused.headers.get('Retry-After')).toBe('2')
      expect(await problemOf(refused)).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' })
      expect(lines.join()).toContain('Redis is away')
    },
  )

  it('status is counted by each process for itself', async () => {
    await serve({ limits: { owner: each, address: each }, redis: away })
    expect(await statuses(3, () => call('status'))).toEqual([200, 200, 429])
  })

  it('refused credentials are counted by each process for itself', async () => {
    await serve({ limits: { refused: rate(1) }, redis: away })
    expect(await statuses(2, () => call('init', { owner: '' }))).toEqual([401, 429])
  })
})

it('a page of a listed origin can read the numbers', async () => {
  app = await serveRouter({
    partway: fakePartway(),
    allowAnonymous: true,
    cors: { origins: ['https://app.example.com'] },
    rates: limitedRates({ limits: { address: { other: rate(1) } } }),
  })
  const ask = () => fetch(`${app.url}/uploads`, { headers: { Origin: 'https://app.example.com' } })
  for (const { headers } of [await ask(), await ask()]) {
    expect(headers.get('Access-Control-Allow-Origin')).toBe('https://app.example.com')
    expect(headers.get('Access-Control-Expose-Headers')).toContain('RateLimit-Remaining')
  }
})
