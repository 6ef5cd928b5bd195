import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { expect, it } from 'vitest'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { OUTBOX_SQL } from '../../src/sessions/sqlite/sqlite-outbox.js'
import { outboxContract, refOf, told } from './outbox.contract.js'
import { NOW } from './session-store.fixtures.js'

outboxContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'partway-'))
  const path = join(folder, 'sessions.db')
  const store = openSqliteSessionStore(path)
  return {
    store,
    another: async () => openSqliteSessionStore(path),
    close: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
})

it('SQLite finds events that are due, dead or past their time by an index', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'partway-'))
  const path = join(folder, 'sessions.db')
  await openSqliteSessionStore(path).close()
  const db = new Database(path)
  const plan = (sql: string, ...values: (string | number)[]) =>
    JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(values))
  expect(plan(OUTBOX_SQL.due, '1', NOW, NOW, 1)).toContain('USING INDEX outbox_by_due')
  expect(plan(OUTBOX_SQL.dead, 0, NOW, 1)).toContain('USING INDEX outbox_dead')
  expect(plan(OUTBOX_SQL.forget, NOW)).toContain('INDEX outbox_by_end')
  db.close()
  await rm(folder, { recursive: true })
})

it('SQLite has an event still when its process has ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'partway-'))
  const path = join(folder, 'sessions.db')
  const first = openSqliteSessionStore(path)
  const event = await told(first)
  await first.close()
  const second = openSqliteSessionStore(path)
  const due = await second.outbox.due({ target: event.target, now: NOW, limit: 9 })
  expect(due).toEqual([refOf(event)])
  await second.close()
  await rm(folder, { recursive: true })
})
