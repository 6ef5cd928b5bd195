import { join } from 'node:path'
import Database from 'libsql'
import { Catalogue } from './catalogue.js'
import { migrate } from './schema.js'

/**
 * Opens the catalogue in `folder`. It stays locked for as long as it is open, so that no second process
 * takes the files of this one for leftovers; a killed process holds no lock. Throws when it is locked.
 */
export function openCatalogue(folder: string): Catalogue {
  const db = new Database(join(folder, 'catalogue.db'))
  try {
    // Before anything is read: then WAL needs no shared memory, and the lock is kept.
    db.pragma('locking_mode = EXCLUSIVE')
    db.pragma('journal_mode = WAL')
    // Under WAL only FULL syncs at every commit (https://sqlite.org/pragma.html#pragma_synchronous).
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    migrate(db)
    return new Catalogue(db)
  } catch (cause) {
    db.close()
    if (cause instanceof Error && /locked|busy/i.test(cause.message)) {
      throw new Error('The folder of the bucket is in use by another process', { cause })
    }
    throw cause
  }
}
