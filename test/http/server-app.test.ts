import { afterEach, describe, expect, it } from 'vitest'
import { UploadError } from '../../src/coordinator/upload-error.js'
import { fakePartway, MARKED_SIGNATURE, UPLOAD_ID } from './fake-partway.js'
import { type HttpApp, post, problemOf, serveApp } from './http-app.js'
import { serverApp } from './server-app.js'

let running: HttpApp | undefined

async function serve(options: Parameters<typeof serverApp>[0] = {}) {
  const server = serverApp(options)
  running = await serveApp(server.app)
  return { ...server, url: running.url }
}

afterEach(async () => {
  await running?.close()
  running = undefined
})

const failing = async (): Promise<never> => {
  throw new Error('away')
}

describe('the standalone application', () => {
  it('is alive and ready when its services answer', async () => {
    const { url } = await serve()
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(200)
    expect(await ready.json()).toEqual({
      status: 'ready',
      stopping: false,
      store: true,
      bucket: true,
    })
  })

  it.each([
    { checks: { store: failing }, store: false, bucket: true },
    { checks: { bucket: failing }, store: true, bucket: false },
    { checks: { bucket: () => new Promise<void>(() => {}) }, store: true, bucket: false },
  ])('is alive but not ready when a service is away (%#)', async ({ checks, store, bucket }) => {
    const { url, lines } = await serve({ checks })
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ status: 'not-ready', store, bucket })
    expect(lines.join()).toContain('service.unavailable')
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('is not ready, and says why, when no upload could be completed at the bucket', async () => {
    const { url } = await serve({ broken: 'No metadata comes back.' })
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({
      status: 'not-ready',
      stopping: false,
      store: true,
      bucket: true,
      reason: 'No metadata comes back.',
    })
  })

  it('does not ask its services for every question about them', async () => {
    let asked = 0
    const store = async () => {
      asked += 1
    }
    const { url } = await serve({ checks: { store } })
    await Promise.all(Array.from({ length: 10 }, () => fetch(`${url}/readyz`)))
    expect(asked).toBeLessThan(5)
  })

  it('refuses work with 503 while it stops, and still answers for its health', async () => {
    const { url, readiness } = await serve()
    readiness.stop()
    const refused = await post(`${url}/upload/abort`, { upload_id: UPLOAD_ID })
    expect(refused.headers.get('Retry-After')).toBe('1')
    expect(refused.headers.get('Connection')).toBe('close')
    expect(await problemOf(refused)).toMatchObject({ status: 503, code: 'SHUTTING_DOWN' })
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ stopping: true })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it.each(['/', '/upload', '/Upload/init', '/upload/init/', '/%', '/docs/../../package.json'])(
    'has nothing at %s and says so in its own way',
    async (path) => {
      const { url } = await serve()
      expect(await problemOf(await fetch(url + path))).toMatchObject({
        status: 404,
        code: 'ROUTE_NOT_FOUND',
      })
    },
  )

  it('does not say what it is made of', async () => {
    const { url } = await serve()
    expect((await fetch(`${url}/healthz`)).headers.get('X-Powered-By')).toBeNull()
  })

  it('shows the page only where it is asked to', async () => {
    const { url } = await serve()
    expect((await fetch(url)).status).toBe(404)
    expect((await fetch(`${url}/page/page.js`)).status).toBe(404)
  })

  it('serves its description', async () => {
    const { url } = await serve()
    expect(await (await fetch(`${url}/openapi.json`)).json()).toMatchObject({
      info: { version: '1.2.3' },
    })
  })
})

describe('the log', () => {
  it('has one line for each request, with what happened', async () => {
    const { url, lines } = await serve()
    const headers = { 'X-Request-Id': 'r-7' }
    await (await post(`${url}/upload/abort`, { upload_id: UPLOAD_ID }, headers)).text()
    await expect.poll(() => lines.length).toBe(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.any(String),
      event: 'http.request',
      requestId: 'r-7',
      method: 'POST',
      path: '/upload/abort',
      status: 200,
      durationMs: expect.any(Number),
      uploadId: UPLOAD_ID,
    })
  })

  it('never has headers, queries, bodies, signed URLs or what an SDK hangs on its errors', async () => {
    const sdkError = Object.assign(
      new Error('GET https://b/k?X-Amz-Signature=marked-text failed'),
      {
        $response: { headers: { authorization: 'marked-response' } },
        config: { secretAccessKey: 'marked-key' },
      },
    )
    const { url, lines } = await serve({
      partway: fakePartway({
        status: async () => {
          throw sdkError
        },
        abort: async () => {
          throw new UploadError('BUCKET_UNAVAILABLE', 'away', { cause: sdkError })
        },
      }),
    })
    const headers = { Authorization: 'Bearer marked-token', Cookie: 'c=marked-cookie' }
    const replies = await Promise.all([
      post(`${url}/upload/init`, { filename: 'marked-name', size: 1 }, headers),
      post(`${url}/upload/parts?token=marked-query`, { upload_id: UPLOAD_ID }, headers),
      post(`${url}/upload/parts`, '{"upload_id": "marked body', headers),
      post(`${url}/upload/abort`, { upload_id: UPLOAD_ID }, headers),
      fetch(`${url}/upload/status?upload_id=x&token=marked`, { headers }),
      fetch(`${url}/upload/status?upload_id=x`, { headers }),
    ])
    const texts = await Promise.all(replies.map((reply) => reply.text()))
    expect(texts[0]).toContain(MARKED_SIGNATURE)
    await expect.poll(() => lines.filter((line) => line.includes('http.request')).length).toBe(6)
    const log = lines.join('')
    expect(log.match(/"http\.fault"/g)).toHaveLength(2)
    expect(log).toContain('GET https://… failed')
    expect(log).not.toContain('marked')
    expect(texts.slice(1).join('')).not.toContain('marked-text')
  })
})
