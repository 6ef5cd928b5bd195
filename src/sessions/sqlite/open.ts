import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'
import { migrate } from './schema.js'
import { SqliteSessionStore } from './sqlite-session-store.js'

/** How long a step waits for another process that is writing, in ms; each writes for a few ms only. */
const BUSY_TIMEOUT_MS = 2_000

/**
 * Opens the file, creating it and its folders where they are missing; `:memory:` lives as long as the
 * store. Throws when the file cannot be opened or belongs to a newer release.
 */
export function openSqliteSessionStore(path: string): SqliteSessionStore {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    db.pragma('journal_mode = WAL')
    // Under WAL only FULL syncs at every commit (https://sqlite.org/pragma.html#pragma_synchronous).
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    migrate(db)
    return new SqliteSessionStore(db)
  } catch (error) {
    db.close()
    throw error
  }
}
