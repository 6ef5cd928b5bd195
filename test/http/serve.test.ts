import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { verifyFiles } from '../../src/server/audit/verify-files.js'
import { type ServeIo, serve } from '../../src/server/serve.js'
import { scriptedServer } from '../unit/bucket/scripted-server.js'

const SECRET = 'marked-secret-of-more-than-32-bytes'
const folder = join(tmpdir(), `partway-${randomUUID()}`)

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

class FakeProcess extends EventEmitter implements ServeIo {
  readonly exits: number[] = []
  out = ''
  err = ''
  readonly stdout = {
    write: (text: string) => {
      this.out += text
    },
  }
  readonly stderr = {
    write: (text: string) => {
      this.err += text
    },
  }

  exit(code: number): void {
    this.exits.push(code)
  }

  events(): Record<string, unknown>[] {
    return this.out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  async started(): Promise<string> {
    await expect.poll(() => this.out, { timeout: 10_000 }).toContain('server.started')
    return String(this.events().find(({ event }) => event === 'server.started')?.url)
  }
}

/** A bucket that nobody answers for, so that only the server itself is tried. */
const env = () => ({
  PARTWAY_PORT: '0',
  PARTWAY_BUCKET: 'uploads',
  PARTWAY_SECRET: SECRET,
  PARTWAY_S3_ENDPOINT: 'http://127.0.0.1:9',
  PARTWAY_STORE: `sqlite:${folder}/sessions.db`,
})

describe('serve', () => {
  it('prints every problem of the settings and starts nothing', async () => {
    const io = new FakeProcess()
    expect(await serve({ PARTWAY_PORT: 'x', PARTWAY_SECRET: 'marked' }, io)).toBe(2)
    expect(io.err).toContain('PARTWAY_BUCKET')
    expect(io.err).toContain('PARTWAY_PORT')
    expect(io.err).toContain('PARTWAY_SECRET')
    expect(io.err).not.toContain('marked')
    expect(io.out).toBe('')
  })

  it('serves although the bucket is away, says so, and stops at a signal', async () => {
    const io = new FakeProcess()
    const exitCode = serve({ ...env(), PARTWAY_BUCKT: 'misspelt' }, io)
    const url = await io.started()
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ store: true, bucket: false })
    io.emit('SIGTERM')
    expect(await exitCode).toBe(0)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
    const events = io.events().map(({ event }) => event)
    expect(events).toContain('config.concern')
    expect(events).toContain('service.unavailable')
    expect(events.slice(-2)).toEqual(['server.stopping', 'server.stopped'])
    expect(io.out + io.err).not.toContain('marked')
    expect(io.exits).toEqual([])
    expect(io.eventNames()).toEqual([])
  }, 30_000)

  it('serves although the bucket keeps silent to its probe', async () => {
    const silent = await scriptedServer(['silence'])
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AK')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'SK')
    const io = new FakeProcess()
    const exitCode = serve({ ...env(), PARTWAY_S3_ENDPOINT: silent.url }, io)
    await io.started()
    expect(io.out).not.toContain('bucket.capabilities')
    io.emit('SIGTERM')
    expect(await exitCode).toBe(0)
    expect(silent.requests[0]).toBe('HEAD /uploads/')
    await silent.stop()
  }, 30_000)

  it('ends at once at the second signal', async () => {
    const io = new FakeProcess()
    const exitCode = serve(env(), io)
    await io.started()
    io.emit('SIGINT')
    io.emit('SIGINT')
    expect(io.exits).toEqual([1])
    await exitCode
  }, 30_000)

  it('tells in plain words that the port is taken', async () => {
    const first = new FakeProcess()
    const firstCode = serve(env(), first)
    const port = new URL(await first.started()).port
    const second = new FakeProcess()
    expect(await serve({ ...env(), PARTWAY_PORT: port }, second)).toBe(1)
    expect(second.err).toContain('the port is taken by another program')
    first.emit('SIGTERM')
    expect(await firstCode).toBe(0)
  }, 30_000)

  it('starts although Redis is away', async () => {
    const io = new FakeProcess()
    const exitCode = serve({ ...env(), PARTWAY_STORE: 'redis://:marked@127.0.0.1:9' }, io)
    const url = await io.started()
    const ready = await fetch(`${url}/readyz`)
    expect(await ready.json()).toMatchObject({ status: 'not-ready', store: false })
    const refused = await fetch(`${url}/uploads`)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    io.emit('SIGTERM')
    expect(await exitCode).toBe(0)
    expect(io.out).not.toContain('marked')
  }, 30_000)
})

describe('serve with an audit log', () => {
  const path = join(folder, 'audit.log')
  const events = async (file: string) =>
    (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event)

  it('begins a new file at SIGHUP, in the same chain, and says where the chain is', async () => {
    const io = new FakeProcess()
    const exitCode = serve({ ...env(), PARTWAY_AUDIT: `file:${path}` }, io)
    const url = await io.started()
    expect((await fetch(`${url}/upload/status?upload_id=none`)).status).toBe(404)
    await rename(path, `${path}.1`)
    io.emit('SIGHUP')
    await expect.poll(() => io.out).toContain('audit.reopened')
    io.emit('SIGTERM')
    expect(await exitCode).toBe(0)
    expect(await events(`${path}.1`)).toEqual(['audit.opened', 'request.status'])
    expect(await events(path)).toEqual(['audit.opened', 'audit.closed'])
    const { problems, chains } = await verifyFiles([`${path}.1`, path])
    expect(problems).toEqual([])
    const noted = io.events().filter(({ event }) => String(event).startsWith('audit.'))
    expect(noted.map(({ seq }) => seq)).toEqual([1, 3, 4])
    expect(noted.at(-1)).toMatchObject({ hash: chains[0]?.last.hash })
  })

  it('does not start while another server writes that file, and says so', async () => {
    const first = new FakeProcess()
    const settings = { ...env(), PARTWAY_AUDIT: `file:${path}` }
    const exitCode = serve(settings, first)
    await first.started()
    const second = new FakeProcess()
    expect(await serve(settings, second)).toBe(1)
    expect(second.err).toContain(`PARTWAY_AUDIT: another process writes ${path}`)
    first.emit('SIGTERM')
    expect(await exitCode).toBe(0)
  })
})
