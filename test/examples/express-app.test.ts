import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uploadFile } from '../../src/client/node.js'
import { sha256OfFile, sha256OfObject, writeRandomFile } from '../e2e/files.js'
import { startTestLocalBucket, type TestLocalBucket } from '../helpers/local-bucket.js'
import { type ExpressApp, startExpressApp } from './express-app-process.js'

describe('examples/express-app', () => {
  let local: TestLocalBucket
  let app: ExpressApp

  beforeAll(async () => {
    local = await startTestLocalBucket()
    app = await startExpressApp(local.serviceUrl)
  })
  afterAll(async () => {
    await app.remove()
    await local.remove()
  })

  const post = (path: string, body: unknown, type = 'application/json') =>
    fetch(app.url + path, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { 'content-type': type },
    })
  const get = (path: string, cookie = '') => fetch(app.url + path, { headers: { cookie } })

  async function logIn(user: string, password: string): Promise<string> {
    const reply = await post('/login', { user, password })
    expect(reply.status).toBe(200)
    const [cookie = ''] = reply.headers.getSetCookie()
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/)
    return cookie.split(';')[0] ?? ''
  }

  it('serves its page, and the client from the package', async () => {
    expect(await (await get('/')).text()).toContain('src="/app.js"')
    expect(await (await get('/app.js')).text()).toContain("from '/partway/partway-client.js'")
    const client = await get('/partway/partway-client.js')
    expect(client.headers.get('content-type')).toContain('text/javascript')
    expect(await client.text()).toContain('createUpload')
  })

  it('takes an upload of the user who is logged in, and shows it to nobody else', async () => {
    const ada = await logIn('ada', 'lovelace')
    const grace = await logIn('grace', 'hopper')
    const path = join(app.folder, 'engine.bin')
    await writeRandomFile(path, 12)

    // With a hash, so that the app's own worker has to read the object.
    const options = { server: app.url, headers: { cookie: ada }, verifyHash: 'sha256' } as const
    const { uploadId, object } = await uploadFile(path, options)
    const sha256 = await sha256OfFile(path)
    expect(object).toMatchObject({ bucket: app.bucket.bucket, size: 12 * 1024 * 1024, sha256 })
    expect(await sha256OfObject(app.bucket.client, object)).toBe(sha256)

    const listed = await (await get('/uploads', ada)).json()
    expect(listed.uploads).toMatchObject([{ upload_id: uploadId, state: 'completed' }])
    expect((await get(`/upload/status?upload_id=${uploadId}`, ada)).status).toBe(200)
    expect((await get(`/upload/status?upload_id=${uploadId}`, grace)).status).toBe(404)
    expect(await (await get('/uploads', grace)).json()).toEqual({ uploads: [] })
  })

  it('refuses whoever is not logged in', async () => {
    const file = { filename: 'a.txt', size: 5 }
    expect((await post('/upload/init', file)).status).toBe(401)
    expect((await get('/uploads')).status).toBe(401)
    expect((await get('/me')).status).toBe(401)
    expect((await post('/login', { user: 'ada', password: 'hopper' })).status).toBe(401)
    expect((await post('/login', { user: 'nobody', password: '' })).status).toBe(401)
  })

  it('takes no cookie that it has not signed', async () => {
    const ada = await logIn('ada', 'lovelace')
    expect((await get('/me', ada)).status).toBe(200)
    expect((await get('/me', ada.replace('ada.', 'grace.'))).status).toBe(401)
    expect((await get('/me', ada.replace(/\.(\d+)\./, '.9$1.'))).status).toBe(401)
  })

  it('takes nothing that a form of another site could post', async () => {
    const login = { user: 'ada', password: 'lovelace' }
    expect((await post('/login', login, 'text/plain')).status).toBe(415)
    expect((await post('/upload/init', { filename: 'a', size: 1 }, 'text/plain')).status).toBe(415)
    expect((await fetch(`${app.url}/logout`, { method: 'POST' })).status).toBe(415)
  })

  it('stops when it is asked to', async () => {
    expect(await app.process.kill('SIGTERM')).toMatchObject({ code: 0, signal: null })
  })
})
