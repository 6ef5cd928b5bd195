import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import type { Caller } from '../../src/coordinator/partway.js'
import { UploadError } from '../../src/coordinator/upload-error.js'
import { createDocsRouter, createRouter, type RouterOptions } from '../../src/http/index.js'
import {
  abortReply,
  completeReply,
  initReply,
  listReply,
  partsReply,
  statusReply,
} from '../../src/protocol/index.js'
import {
  fakePartway,
  inBatches,
  partsOutcome,
  STATUS,
  signedParts,
  UPLOAD_ID,
} from './fake-partway.js'
import { type HttpApp, post, problemOf, serveApp, serveRouter } from './http-app.js'

let app: HttpApp | undefined

async function serve(options: Partial<RouterOptions> = {}): Promise<string> {
  const access = 'owner' in options || 'authenticate' in options ? {} : { allowAnonymous: true }
  app = await serveRouter({ partway: fakePartway(), log: () => {}, ...access, ...options })
  return app.url
}

afterEach(async () => {
  await app?.close()
  app = undefined
})

const id = { upload_id: UPLOAD_ID }
const file = { filename: 'a.bin', size: 10 }

describe('replies', () => {
  it('have the statuses and the shapes of the contract', async () => {
    const url = await serve()
    const init = await post(`${url}/upload/init`, file)
    expect(init.status).toBe(201)
    expect(initReply.parse(await init.json())).toMatchObject({ upload_id: UPLOAD_ID })
    const parts = await post(`${url}/upload/parts`, id)
    expect(parts.status).toBe(200)
    expect(partsReply.parse(await parts.json()).parts).toHaveLength(2)
    for (const route of ['complete', 'merge']) {
      const complete = await post(`${url}/upload/${route}`, id)
      expect(complete.status).toBe(200)
      expect(completeReply.parse(await complete.json()).object?.version_id).toBe('v1')
    }
    const abort = await post(`${url}/upload/abort`, id)
    expect(abortReply.parse(await abort.json()).state).toBe('aborted')
    const status = await fetch(`${url}/upload/status?upload_id=${UPLOAD_ID}`)
    expect(statusReply.parse(await status.json()).uploaded).toHaveLength(1)
    const list = await fetch(`${url}/uploads?limit=5&state=uploading`)
    expect(listReply.parse(await list.json()).next_cursor).toBe('next')
  })

  it('are 200 for an upload that was known, and 202 while it is verified', async () => {
    const url = await serve({
      partway: fakePartway({
        init: async () => ({ created: false, reply: STATUS }),
        complete: async () => ({ uploadId: UPLOAD_ID, state: 'verifying' }),
      }),
    })
    expect((await post(`${url}/upload/init`, file)).status).toBe(200)
    expect((await post(`${url}/upload/complete`, id)).status).toBe(202)
  })

  it('are kept out of caches and referrers, and carry a request id', async () => {
    const url = await serve({ requestId: () => 'made-here' })
    const { headers } = await fetch(`${url}/uploads`)
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(headers.get('Referrer-Policy')).toBe('no-referrer')
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(headers.get('X-Request-Id')).toBe('made-here')
  })

  it('may neither run nor be framed, whatever a browser takes them for', async () => {
    const url = await serve()
    for (const path of ['/uploads', '/uploads?limit=no']) {
      const { headers } = await fetch(url + path)
      expect(headers.get('Content-Security-Policy')).toBe(
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      )
      expect(headers.get('X-Frame-Options')).toBe('DENY')
      expect(headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin')
      expect(headers.get('X-Powered-By')).toBeNull()
    }
  })

  it('leave what the application serves elsewhere as it is', async () => {
    const host = express()
      .use(createRouter({ partway: fakePartway(), allowAnonymous: true }))
      .use(createDocsRouter({ version: '1.2.3' }))
      .use((_req, res) => res.send('the page of the application'))
    app = await serveApp(host)
    const { headers } = await fetch(`${app.url}/`)
    expect(headers.get('Content-Security-Policy')).toBeNull()
    expect(headers.get('Cache-Control')).toBeNull()
    expect(headers.get('X-Request-Id')).toBeNull()
  })

  it('repeat a sane request id of the caller, and no other', async () => {
    const url = await serve({ requestId: () => 'made-here' })
    const idFor = async (given: string) => {
      const response = await fetch(`${url}/uploads`, { headers: { 'X-Request-Id': given } })
      return response.headers.get('X-Request-Id')
    }
    expect(await idFor('abc-1.2_3')).toBe('abc-1.2_3')
    expect(await idFor('a b')).toBe('made-here')
    expect(await idFor('x'.repeat(65))).toBe('made-here')
  })
})

describe('10,000 parts', () => {
  it('arrive whole, in order and as the schema says, while other requests are answered', async () => {
    const all = signedParts(10_000)
    const uploaded = all.map(({ index, size }) => ({ index, size, etag: `e${index}` }))
    const url = await serve({
      partway: fakePartway({
        init: async () => ({
          created: true,
          reply: { ...STATUS, uploaded },
          parts: inBatches(all),
        }),
      }),
    })
    const large = await post(`${url}/upload/init`, file)
    expect((await fetch(`${url}/uploads`)).status).toBe(200)
    const reply = initReply.parse(await large.json())
    expect(reply.parts?.map((part) => part.index)).toEqual(all.map((part) => part.index))
    expect(reply.parts?.[9_999]?.headers).toEqual(all[9_999]?.headers)
    expect(reply.uploaded).toHaveLength(10_000)
    expect(reply.expires_in).toBe(STATUS.expiresIn)
  })

  it('may be given up by the client without a fault of the server', async () => {
    const faults: unknown[] = []
    const url = await serve({
      partway: fakePartway({
        parts: async () => partsOutcome(signedParts(10_000)),
      }),
      log: (error) => faults.push(error),
    })
    const abort = new AbortController()
    const response = await fetch(`${url}/upload/parts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(id),
      signal: abort.signal,
    })
    await response.body?.getReader().read()
    abort.abort()
    expect((await fetch(`${url}/uploads`)).status).toBe(200)
    expect(faults).toEqual([])
  })
})

describe('the owner', () => {
  it('is asked for each request and given to the coordinator', async () => {
    const owners: Caller[] = []
    const url = await serve({
      partway: fakePartway({
        list: async (caller) => {
          owners.push(caller)
          return { uploads: [] }
        },
      }),
      owner: async (req) => req.get('X-User') ?? 'nobody',
    })
    await fetch(`${url}/uploads`, { headers: { 'X-User': 'ada' } })
    await fetch(`${url}/uploads`)
    expect(owners).toEqual([{ owner: 'ada' }, { owner: 'nobody' }])
  })

  it('may refuse a request, before its body is looked at', async () => {
    const url = await serve({
      owner: () => {
        throw new UploadError('UNAUTHENTICATED', 'Who are you?')
      },
    })
    const response = await post(`${url}/upload/init`, '{ not json')
    expect(response.status).toBe(401)
    expect(await problemOf(response)).toMatchObject({
      code: 'UNAUTHENTICATED',
      detail: 'Who are you?',
    })
  })

  it.each([
    ['', '1 to 256 bytes'],
    ['x'.repeat(257), '1 to 256 bytes'],
    // Every lone surrogate has the same three bytes in UTF-8, so two owners would be one.
    ['\ud800', 'well-formed'],
    ['a\u0000b', 'control characters'],
  ])('%j is a fault of the host', async (owner, words) => {
    const faults: unknown[] = []
    const url = await serve({ owner: () => owner, log: (error) => faults.push(error) })
    const response = await fetch(`${url}/uploads`)
    expect((await problemOf(response)).code).toBe('INTERNAL')
    expect(String(faults[0])).toContain(words)
  })
})

describe('faults', () => {
  it('are logged once with their cause and never shown', async () => {
    const faults: unknown[] = []
    const cause = new Error('password of the database is marked-inner-text')
    const url = await serve({
      partway: fakePartway({
        list: async () => {
          throw cause
        },
      }),
      log: (error, context) => faults.push({ error, context }),
    })
    const response = await fetch(`${url}/uploads?limit=3`, { headers: { 'X-Request-Id': 'r-1' } })
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toContain('marked-inner-text')
    expect(JSON.parse(text)).toMatchObject({ code: 'INTERNAL', request_id: 'r-1' })
    expect(faults).toEqual([
      {
        error: cause,
        context: { requestId: 'r-1', method: 'GET', path: '/uploads', code: 'INTERNAL' },
      },
    ])
  })

  it('that pass tell when to try again, in whole seconds', async () => {
    const url = await serve({
      partway: fakePartway({
        list: async () => {
          throw new UploadError('BUCKET_UNAVAILABLE', 'away', { retryAfterMs: 1_200 })
        },
      }),
    })
    const response = await fetch(`${url}/uploads`)
    expect(response.status).toBe(503)
    expect(response.headers.get('Retry-After')).toBe('2')
    expect((await problemOf(response)).retry_after_ms).toBe(1_200)
  })
})

describe('a known path with another method', () => {
  it('is answered 405 with the methods it takes', async () => {
    const url = await serve()
    const response = await fetch(`${url}/upload/init`)
    expect(response.status).toBe(405)
    expect(response.headers.get('Allow')).toBe('POST, OPTIONS')
    expect((await problemOf(response)).code).toBe('METHOD_NOT_ALLOWED')
    expect((await post(`${url}/uploads`, {})).headers.get('Allow')).toBe('GET, HEAD, OPTIONS')
  })

  it('is answered 204 to OPTIONS', async () => {
    const url = await serve()
    const response = await fetch(`${url}/uploads`, { method: 'OPTIONS' })
    expect(response.status).toBe(204)
    expect(response.headers.get('Allow')).toBe('GET, HEAD, OPTIONS')
  })
})
