import { afterAll, beforeAll, expect, it } from 'vitest'
import { fakePartway } from './fake-partway.js'
import { type HttpApp, serveRouter } from './http-app.js'

const ORIGIN = 'https://app.example.com'
let app: HttpApp
let closed: HttpApp

beforeAll(async () => {
  app = await serveRouter({
    partway: fakePartway(),
    allowAnonymous: true,
    cors: { origins: [ORIGIN] },
  })
  closed = await serveRouter({ partway: fakePartway() })
})
afterAll(async () => {
  await Promise.all([app.close(), closed.close()])
})

const preflight = (origin: string) =>
  fetch(`${app.url}/upload/init`, {
    method: 'OPTIONS',
    headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
  })

it('lets a listed origin ask and read', async () => {
  const asked = await preflight(ORIGIN)
  expect(asked.status).toBe(204)
  expect(asked.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
  expect(asked.headers.get('Access-Control-Allow-Methods')).toContain('POST')
  expect(asked.headers.get('Access-Control-Allow-Headers')).toContain('Content-Type')
  const { headers } = await fetch(`${app.url}/uploads`, { headers: { Origin: ORIGIN } })
  expect(headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
  expect(headers.get('Access-Control-Expose-Headers')).toContain('Retry-After')
  expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
  expect(headers.get('Vary')).toBe('Origin')
})

it('lets a listed origin read refusals too', async () => {
  const response = await fetch(`${app.url}/uploads?limit=no`, { headers: { Origin: ORIGIN } })
  expect(response.status).toBe(400)
  expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
})

it.each([
  'null',
  'https://app.example.com.evil.test',
  'https://evil.test/https://app.example.com',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com:443',
  'https://APP.EXAMPLE.COM',
  'HTTPS://app.example.com',
  'https://app.example.com/',
  'https://app.example.com, https://app.example.com',
  'https://sub.app.example.com',
  'https://xapp.example.com',
  '*',
])('gives %s nothing', async (origin) => {
  expect((await preflight(origin)).headers.get('Access-Control-Allow-Origin')).toBeNull()
  const { headers } = await fetch(`${app.url}/uploads`, { headers: { Origin: origin } })
  expect(headers.get('Access-Control-Allow-Origin')).toBeNull()
  expect(headers.get('Vary')).toBe('Origin')
})

it('lets nobody read when no origin is listed', async () => {
  const { headers } = await fetch(`${closed.url}/uploads`, { headers: { Origin: ORIGIN } })
  expect(headers.get('Access-Control-Allow-Origin')).toBeNull()
})
