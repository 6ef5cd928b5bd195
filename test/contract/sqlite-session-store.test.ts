import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, it } from 'vitest'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { USAGE_SQL } from '../../src/sessions/sqlite/owner-table.js'
import { STEPS } from '../../src/sessions/sqlite/schema.js'
import { SQL } from '../../src/sessions/sqlite/statements.js'
import { lonelySessionStoreContract, sessionStoreContract } from './session-store.contract.js'
import { draftOf, LEASE_MS, LIFE, NOW, OBJECT, opened, twinOf } from './session-store.fixtures.js'

sessionStoreContract('SQLite file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'partway-'))
  const path = join(folder, 'a', 'b', 'sessions.db')
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

lonelySessionStoreContract('SQLite in memory', async () => {
  const store = openSqliteSessionStore(':memory:')
  return { store, close: () => store.close() }
})

describe('a SQLite session file', () => {
  let folder = ''
  const path = async (...names: string[]) => {
    folder = await mkdtemp(join(tmpdir(), 'partway-'))
    return join(folder, ...names)
  }
  afterEach(() => rm(folder, { recursive: true }))

  it('is made in folders that only its user may enter', async () => {
    const file = await path('private', 'sessions.db')
    await openSqliteSessionStore(file).close()
    expect((await stat(join(folder, 'private'))).mode & 0o777).toBe(0o700)
  })

  it('is refused, and not touched, when a newer release wrote it', async () => {
    const file = await path('sessions.db')
    const db = new Database(file)
    db.exec('PRAGMA user_version = 99')
    expect(() => openSqliteSessionStore(file)).toThrow(/newer release/)
    expect(db.prepare('SELECT name FROM sqlite_master').all()).toEqual([])
    db.close()
  })

  it.each([1, 2, 3])('goes on where version %i of the file left off', async (version) => {
    const file = await path('sessions.db')
    const db = new Database(file)
    for (const step of STEPS.slice(0, version)) db.exec(step)
    db.exec(`PRAGMA user_version = ${version}`)
    const draft = draftOf()
    const insert = `INSERT INTO uploads (owner, id, created_at, draft, state, epoch, fence, lease_until,
      revision, arrived, expires_at, keep_until, multipart_id) VALUES (?, ?, ?, ?, ?, 1, 5, ?, 0, 0, ?, ?, 'm')`
    const { owner, id, createdAt } = draft
    const life = [LIFE.expiresAt, LIFE.keepUntil]
    const record = [owner, id, createdAt, JSON.stringify(draft), 'completing', NOW, ...life]
    db.prepare(insert).run(record)
    db.close()
    const store = openSqliteSessionStore(file)
    expect((await store.find(draft, NOW))?.upload).toEqual({
      ...draft,
      ...LIFE,
      state: 'completing',
      epoch: 1,
      multipartId: 'm',
    })
    expect(await store.due({ now: NOW, limit: 9 })).toEqual([{ owner, id }])
    expect(await store.usage(owner, NOW)).toMatchObject({ openUploads: 1, reservedBytes: 80 })
    const claim = { to: 'completing', now: NOW, leaseMs: LEASE_MS, expectedHash: 'aa' } as const
    expect(await store.claim(draft, claim)).toMatchObject({ fence: 6, attempt: 1 })
    const step = { ...LIFE, from: 'completing', to: 'completed', fence: 6, now: NOW } as const
    expect(await store.settle(draft, { ...step, object: OBJECT, contents: ['red'] })).toBe(true)
    expect(await twinOf(store, owner, 'red')).toMatchObject({ id, expectedHash: 'aa' })
    await store.close()
  })

  it('finds what is due, what is to be removed with a record, and what an owner has, by an index', async () => {
    const file = await path('sessions.db')
    const store = openSqliteSessionStore(file)
    const db = new Database(file)
    const plan = (sql: string, ...values: number[]) =>
      JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(values))
    expect(plan(SQL.due, NOW, NOW, 1)).toContain('USING INDEX uploads_by_lease')
    const usage = JSON.stringify(
      db.prepare(`EXPLAIN QUERY PLAN ${USAGE_SQL}`).all('o', NOW, 'o', NOW, 'o', 1),
    )
    expect(usage).toContain('USING COVERING INDEX uploads_reserved')
    expect(usage).toContain('USING COVERING INDEX uploads_stored')
    expect(plan('DELETE FROM contents WHERE upload = ?', 1)).toContain('INDEX contents_by_upload')
    db.close()
    await store.close()
  })

  it('syncs every commit to disk and keeps a write-ahead log', async () => {
    const file = await path('sessions.db')
    const store = openSqliteSessionStore(file)
    await opened(store)
    const db = new Database(file)
    expect(db.prepare('PRAGMA journal_mode').raw().get()).toEqual(['wal'])
    db.close()
    await store.close()
  })

  it('rejects, and does not answer, while the file is broken', async () => {
    const file = await path('sessions.db')
    const store = openSqliteSessionStore(file)
    const draft = await opened(store)
    const db = new Database(file)
    db.prepare('UPDATE uploads SET draft = ?').run(['{"id":"other"}'])
    await expect(store.find(draft, NOW)).rejects.toThrow()
    db.exec('DROP TABLE uploads')
    db.close()
    await expect(store.find(draftOf(), NOW)).rejects.toThrow()
    await store.close()
  })

  it('drops the parts of the records that it purges', async () => {
    const file = await path('sessions.db')
    const store = openSqliteSessionStore(file)
    const life = { expiresAt: NOW + 1, keepUntil: NOW + 1 }
    const draft = await opened(store, {}, life)
    const arrived = [{ index: 1, etag: 'e' }]
    await store.recordParts(draft, { ...life, now: NOW, signed: [], arrived })
    await store.begin(draftOf(), {
      expiresAt: NOW + 9,
      keepUntil: NOW + 9,
      now: NOW + 1,
      leaseMs: 1,
    })
    const db = new Database(file)
    expect(db.prepare('SELECT count(*) FROM parts').raw().get()).toEqual([0])
    expect(db.prepare('SELECT count(*) FROM uploads').raw().get()).toEqual([1])
    db.close()
    await store.close()
  })
})
