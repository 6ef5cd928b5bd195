import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../src/cli/run-cli.js'
import type { OutboxEvent } from '../../../src/coordinator/ports.js'
import {
  openSqliteSessionStore,
  type SqliteSessionStore,
} from '../../../src/sessions/sqlite/index.js'
import { told } from '../../contract/outbox.contract.js'
import { HOUR_MS, NOW } from '../../contract/session-store.fixtures.js'
import { FakeIo } from './support/fake-io.js'

let folder: string
let store: SqliteSessionStore
let env: Record<string, string>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-webhooks-'))
  const path = join(folder, 'sessions.db')
  store = openSqliteSessionStore(path)
  env = {
    PARTWAY_BUCKET: 'uploads',
    PARTWAY_SECRET: 'a-secret-of-more-than-thirty-two-bytes',
    PARTWAY_STORE: `sqlite:${path}`,
  }
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

async function dead(age: number, changes: Partial<OutboxEvent> = {}): Promise<OutboxEvent> {
  const createdAt = NOW - age
  const payload = JSON.stringify({ data: { upload_id: `up-${age}` } })
  const event = await told(store, { target: '1', createdAt, payload, ...changes })
  const claim = await store.outbox.claim(event, { now: NOW, leaseMs: 1 })
  const end = { now: NOW, to: 'dead', keepUntil: NOW + HOUR_MS, reason: 'HTTP 500' } as const
  await store.outbox.end(event, { fence: claim?.fence ?? 0, ...end })
  return event
}

async function run(args: readonly string[], more: Record<string, string> = {}) {
  const io = new FakeIo({ ...env, ...more })
  const code = await runCli(['webhooks', ...args], io)
  return { code, out: io.stdout.lines, err: io.stderr.lines, io }
}
const due = async () => {
  const refs = await store.outbox.due({ target: '1', now: Date.now(), limit: 9 })
  return refs.map(({ id }) => id).sort()
}

describe('partway webhooks list', () => {
  it('shows what could not be delivered, the oldest first, and nothing that still waits', async () => {
    const [young, old] = [await dead(1_000), await dead(2_000)]
    await told(store, { target: '1' })
    const { code, out } = await run(['list'])
    expect(code).toBe(0)
    expect(out).toHaveLength(2)
    expect(out[0]).toBe(
      `${old.id}  ${new Date(NOW - 2_000).toISOString()}  upload.completed  upload up-2000  endpoint 1  1 attempts, HTTP 500`,
    )
    expect(out[1]).toContain(young.id)
  })

  it('shows it to programs', async () => {
    const { id } = await dead(1_000)
    const { io } = await run(['list', '--json'])
    const at = new Date(NOW - 1_000).toISOString()
    const about = { endpoint: '1', type: 'upload.completed', upload_id: 'up-1000', at }
    expect(io.messages).toEqual([{ id, ...about, attempts: 1, reason: 'HTTP 500' }])
  })

  it('says that there is nothing', async () => {
    expect(await run(['list'])).toMatchObject({ code: 0, out: ['No webhook is dead.'] })
    expect(await run(['list', '--json'])).toMatchObject({ code: 0, out: [] })
  })
})

describe('partway webhooks retry', () => {
  it('has those tried again that are named, for every endpoint', async () => {
    const one = await dead(1_000)
    await dead(1_000, { id: one.id, owner: one.owner, target: '2' })
    const other = await dead(2_000)
    expect(await run(['retry', one.id])).toMatchObject({ code: 0, out: ['2 are tried again.'] })
    expect(await due()).toEqual([one.id])
    const { out } = await run(['list'])
    expect(out).toHaveLength(1)
    expect(out[0]).toContain(other.id)
  })

  it('has all of them tried again', async () => {
    const ids: string[] = []
    for (let age = 0; age < 3; age++) ids.push((await dead(age)).id)
    expect(await run(['retry', '--all'])).toMatchObject({ code: 0, out: ['3 are tried again.'] })
    expect(await due()).toEqual(ids.sort())
    expect(await run(['retry', '--all'])).toMatchObject({ code: 0, out: ['0 are tried again.'] })
  })

  it('fails for one that is not dead, and does the others', async () => {
    const one = await dead(1_000)
    const { code, out, err } = await run(['retry', one.id, 'msg_x'])
    expect({ code, out }).toEqual({ code: 1, out: ['1 are tried again.'] })
    expect(err).toEqual(['"msg_x": no webhook of that id is dead'])
  })

  it('wants to know which', async () => {
    for (const args of [['retry'], ['retry', '--all', 'msg_x']]) {
      expect((await run(args)).code).toBe(2)
    }
  })

  it('needs the settings of the server', async () => {
    expect((await run(['retry', '--all'], { PARTWAY_BUCKET: '' })).code).toBe(2)
    const nowhere = { PARTWAY_STORE: 'redis://127.0.0.1:1' }
    expect((await run(['retry', '--all'], nowhere)).code).toBe(1)
  })
})
