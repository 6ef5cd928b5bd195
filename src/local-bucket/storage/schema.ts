import type Database from 'libsql'

/**
 * Step n takes a file of version n to version n + 1; steps are only ever added.
 *
 * Keys are blobs, so that their order is that of their UTF-8 bytes, which is S3's. A `blob` is the name of a
 * file with bytes: of a part while its upload is open, later of a segment of an object. Times are ms since
 * the epoch; `headers` and `checksum` are JSON.
 */
const STEPS = [
  `CREATE TABLE buckets (
     name TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE objects (
     row INTEGER PRIMARY KEY,
     bucket TEXT NOT NULL REFERENCES buckets (name),
     key BLOB NOT NULL,
     size INTEGER NOT NULL,
     etag TEXT NOT NULL,
     modified_at INTEGER NOT NULL,
     headers TEXT NOT NULL,
     checksum TEXT,
     upload TEXT,
     UNIQUE (bucket, key)
   );
   CREATE TABLE segments (
     object INTEGER NOT NULL REFERENCES objects (row) ON DELETE CASCADE,
     position INTEGER NOT NULL,
     blob TEXT NOT NULL,
     size INTEGER NOT NULL,
     PRIMARY KEY (object, position)
   ) WITHOUT ROWID;
   CREATE INDEX segments_by_blob ON segments (blob);
   CREATE TABLE uploads (
     id TEXT PRIMARY KEY,
     bucket TEXT NOT NULL REFERENCES buckets (name),
     key BLOB NOT NULL,
     initiated_at INTEGER NOT NULL,
     headers TEXT NOT NULL,
     algorithm TEXT,
     type TEXT
   ) WITHOUT ROWID;
   CREATE INDEX uploads_by_key ON uploads (bucket, key, id);
   CREATE TABLE parts (
     upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
     number INTEGER NOT NULL,
     blob TEXT NOT NULL,
     size INTEGER NOT NULL,
     etag TEXT NOT NULL,
     checksum TEXT,
     modified_at INTEGER NOT NULL,
     PRIMARY KEY (upload, number)
   ) WITHOUT ROWID;
   CREATE INDEX parts_by_blob ON parts (blob);`,
]

export function migrate(db: Database.Database): void {
  db.transaction(() => {
    const version = userVersion(db)
    if (version > STEPS.length) {
      throw new Error(`The folder of the bucket is of a newer release (version ${version})`)
    }
    for (const step of STEPS.slice(version)) db.exec(step)
    db.exec(`PRAGMA user_version = ${STEPS.length}`)
  }).immediate()
}

function userVersion(db: Database.Database): number {
  const row = db.prepare('PRAGMA user_version').raw().get()
  if (Array.isArray(row) && typeof row[0] === 'number') return row[0]
  throw new TypeError('SQLite did not tell the version of the catalogue')
}
