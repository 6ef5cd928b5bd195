import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { initReply, MIB } from '../../src/protocol/index.js'
import { startTestLocalBucket, type TestLocalBucket } from '../helpers/local-bucket.js'
import { freePort, PartwayProcess, ServerProcess, until } from '../helpers/programs.js'
import { createTestBucket } from '../helpers/s3-fixture.js'
import { redisUrl } from '../helpers/services.js'

/**
 * Every secret of a server and its clients is marked, everything is done with it that goes right and wrong, and then
 * all that was written anywhere is searched for the marks.
 */

const mark = (what: string) => `canary-${what}-${randomBytes(16).toString('hex')}`

const secrets = {
  secret: mark('secret'),
  formerSecret: mark('former-secret'),
  jwtSecret: mark('jwt-secret'),
  bucketKey: mark('bucket-key'),
  redisPassword: mark('redis-password'),
  wrongToken: mark('wrong-token'),
  query: mark('query'),
  cookie: mark('cookie'),
  body: mark('body'),
  metadata: mark('metadata'),
}

/** What was written, by where. */
const written: { place: string; text: string }[] = []
/** Secrets that are only known when they have been made: tokens and signatures. */
const made: string[] = []

let folder: string
let local: TestLocalBucket
let bucket: string
let env: Record<string, string>
let token: string
let server: ServerProcess

async function jwt(seconds: number): Promise<string> {
  const signed = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ada')
    .setIssuer('https://issuer.example')
    .setAudience('uploads')
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
    .sign(new TextEncoder().encode(secrets.jwtSecret))
  made.push(signed, signed.split('.').at(-1) ?? '')
  return signed
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-marks-'))
  const credentials = { accessKeyId: 'canary', secretAccessKey: secrets.bucketKey }
  local = await startTestLocalBucket({ credentials })
  const bucketUrl = local.url.replace('//', `//canary:${secrets.bucketKey}@`)
  const fixture = await createTestBucket(bucketUrl)
  bucket = fixture.bucket
  fixture.client.destroy()
  token = await jwt(3_600)
  env = {
    PARTWAY_SECRET: `${secrets.secret},${secrets.formerSecret}`,
    PARTWAY_AUTH: 'jwt',
    PARTWAY_JWT_SECRET: secrets.jwtSecret,
    PARTWAY_JWT_ISSUER: 'https://issuer.example',
    PARTWAY_JWT_AUDIENCE: 'uploads',
    PARTWAY_LOG_LEVEL: 'debug',
    PARTWAY_AUDIT: `file:${join(folder, 'audit.log')}`,
    PARTWAY_CHECK_CONTENT: 'true',
  }
  server = await ServerProcess.start({
    bucket,
    bucketUrl,
    store: `sqlite:${join(folder, 'sessions.db')}`,
    env,
  })
})
afterAll(async () => {
  server.child.kill('SIGKILL')
  await rm(local.folder, { recursive: true, force: true })
  await rm(folder, { recursive: true })
})

interface Call {
  readonly path: string
  readonly body?: unknown
  readonly authorization?: string
}

/** What is answered is kept, but for URLs that were asked for: those are the caller's to have. */
async function ask({ path, body, authorization = `Bearer ${token}` }: Call, at = server.url) {
  const reply = await fetch(at + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: authorization,
      Cookie: `session=${secrets.cookie}`,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await reply.text()
  for (const [, signature = ''] of text.matchAll(/X-Amz-Signature=([0-9a-f]{64})/g)) {
    made.push(signature)
  }
  const shown = text.replace(/"url":"[^"]*"/g, '"url":"for the caller"')
  written.push({
    place: `${path} ${reply.status}`,
    text: `${shown} ${JSON.stringify([...reply.headers])}`,
  })
  return { status: reply.status, text }
}

const FILE = { filename: 'a.bin', size: 10, checksum: 'none', content_type: 'image/png' }

async function begun(changes: object = {}) {
  const body = { ...FILE, sign: 'all', metadata: { note: secrets.metadata }, ...changes }
  return initReply.parse(JSON.parse((await ask({ path: '/upload/init', body })).text))
}

async function command(args: string[], more: Record<string, string> = {}, interruptMs?: number) {
  const running = new PartwayProcess(args, { PARTWAY_TOKEN: token, ...more })
  const timer = interruptMs && setTimeout(() => running.child.kill('SIGINT'), interruptMs)
  const ended = await running.ended
  clearTimeout(timer)
  written.push({ place: `partway ${args.join(' ')}`, text: `${ended.stdout}\n${ended.stderr}` })
  return ended.code
}

describe('secrets', () => {
  it('are used for uploads that go well', async () => {
    const { upload_id, parts = [] } = await begun({ content_type: 'text/plain' })
    for (const { url, headers } of parts) {
      await fetch(url, { method: 'PUT', headers, body: 'ten bytes.' })
    }
    expect((await ask({ path: '/upload/complete', body: { upload_id } })).status).toBe(200)
    const file = join(folder, 'file.bin')
    await writeFile(file, randomBytes(11 * MIB))
    const upload = ['upload', file, '--server', server.url, '--verify-hash', 'sha256']
    expect(await command([...upload, '--json'])).toBe(0)
    expect(await command([...upload, '--chunk-size', '5MiB'])).toBe(0)
  })

  it('are used for what is refused', async () => {
    const { upload_id, parts = [] } = await begun()
    for (const { url, headers } of parts) {
      await fetch(url, { method: 'PUT', headers, body: 'ten bytes.' })
    }
    // Text is no picture: the object is looked at, and removed.
    expect((await ask({ path: '/upload/complete', body: { upload_id } })).status).toBe(422)
    const refused: Call[] = [
      { path: '/uploads', authorization: `Bearer ${secrets.wrongToken}` },
      { path: '/uploads', authorization: `Bearer ${await jwt(-3_600)}` },
      { path: '/uploads', authorization: `Bearer ${token.slice(0, -3)}` },
      { path: '/uploads', authorization: `Basic ${secrets.wrongToken}` },
      { path: `/upload/status?upload_id=${'A'.repeat(43)}&token=${secrets.query}` },
      { path: `/nowhere?X-Amz-Signature=${secrets.query}` },
      { path: '/upload/init', body: `{"filename":"${secrets.body}` },
      { path: '/upload/init', body: { ...FILE, size: secrets.body } },
      { path: '/upload/abort', body: { upload_id: `https://x/?X-Amz-Signature=${secrets.body}` } },
      { path: '/upload/parts', body: { upload_id, uploaded: [{ index: 9, etag: secrets.body }] } },
    ]
    for (const call of refused) {
      const { status } = await ask(call)
      expect(status, call.path).toBeGreaterThanOrEqual(400)
      expect(status, call.path).toBeLessThan(500)
    }
    const other = { PARTWAY_TOKEN: secrets.wrongToken }
    expect(await command(['status', upload_id, '--server', server.url], other)).toBe(3)
  })

  it('are used while the bucket is away, and while it takes the server’s key for wrong', async () => {
    const { upload_id } = await begun({ fingerprint: 'away' })
    const { port } = new URL(local.url)
    await local.close()
    const calls = async () => {
      for (const call of [
        { path: '/upload/init', body: { ...FILE, fingerprint: String(Math.random()) } },
        { path: `/upload/status?upload_id=${upload_id}&reconcile=true` },
        { path: '/upload/complete', body: { upload_id } },
        { path: '/upload/abort', body: { upload_id } },
      ]) {
        await ask(call)
      }
    }
    await calls()
    const file = join(folder, 'other.bin')
    await writeFile(file, randomBytes(1_000))
    expect(await command(['upload', file, '--server', server.url], {}, 4_000)).not.toBe(0)
    const credentials = { accessKeyId: 'canary', secretAccessKey: 'another key of the bucket' }
    const wrong = await startTestLocalBucket({ credentials, port: Number(port), buckets: [bucket] })
    await calls()
    await wrong.remove()
    const faults = server.lines.filter((line) => line.includes('http.fault'))
    expect(faults.length).toBeGreaterThan(4)
  })

  it('are used for settings that do not work', async () => {
    const store = new URL(redisUrl() || 'redis://127.0.0.1:9')
    store.password = secrets.redisPassword
    const settings = {
      ...env,
      PARTWAY_BUCKET: bucket,
      PARTWAY_S3_ENDPOINT: local.url,
      PARTWAY_AUDIT: 'stdout',
      AWS_ACCESS_KEY_ID: 'canary',
      AWS_SECRET_ACCESS_KEY: secrets.bucketKey,
    }
    expect(await command(['doctor'], { ...settings, PARTWAY_STORE: store.href })).toBe(1)
    const invalid = {
      PARTWAY_SECRET: secrets.secret.slice(0, 30),
      PARTWAY_JWT_SECRET: 'x',
      PARTWAY_PORT: '-1',
    }
    expect(
      await command(['serve'], {
        ...settings,
        ...invalid,
        PARTWAY_STORE: `redis:${secrets.redisPassword}`,
      }),
    ).toBe(2)
    const port = await freePort()
    const away = new PartwayProcess(['serve'], {
      ...settings,
      PARTWAY_STORE: store.href,
      PARTWAY_PORT: String(port),
    })
    await until(() => away.log.includes('server.started'), 'the server starts')
    const { status } = await ask({ path: '/upload/init', body: FILE }, `http://127.0.0.1:${port}`)
    expect(status).toBe(503)
    const { code, stdout, stderr } = await away.kill('SIGTERM')
    expect(code).toBe(0)
    written.push({ place: 'a server without its store', text: `${stdout}\n${stderr}` })
    expect(stdout).toContain('"event":"request.init"')
  })

  it('are in nothing that was written: logs, audit, replies, what commands print', async () => {
    const { stdout, stderr } = await server.kill('SIGTERM')
    written.push({ place: 'the log', text: `${stdout}\n${stderr}` })
    const audit = await readFile(join(folder, 'audit.log'), 'utf8')
    written.push({ place: 'the audit log', text: audit })
    expect(audit).toContain('"code":"CONTENT_MISMATCH"')
    expect(audit).toContain('"code":"BUCKET_UNAVAILABLE"')
    expect(await command(['audit', 'verify', join(folder, 'audit.log')])).toBe(0)
    expect(stdout).toContain('"level":"debug"')
    const marks = [...Object.values(secrets), ...made, 'canary-', 'X-Amz-Signature=']
    expect(made.length).toBeGreaterThan(4)
    const found = written.flatMap(({ place, text }) =>
      marks.flatMap((secret) =>
        spellings(secret)
          .filter((one) => text.includes(one))
          .map(() => `${secret} in ${place}`),
      ),
    )
    expect(found).toEqual([])
  })
})

/** As it is, and as it would stand in a URL, in a header of Basic, and in hexadecimal. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const base64 = bytes.toString('base64').replace(/..?=*$/, '')
  return [secret, encodeURIComponent(secret), base64, bytes.toString('hex')]
}
