import type Database from 'libsql'

/**
 * Step n takes a file of version n to version n + 1. Steps are only ever added: a file of any older
 * release becomes one of this release when it is opened.
 */
export const STEPS: readonly string[] = [
  `CREATE TABLE uploads (
     row INTEGER PRIMARY KEY,
     owner TEXT NOT NULL,
     id TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     draft TEXT NOT NULL,
     state TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     fence INTEGER NOT NULL,
     lease_until INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     arrived INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     keep_until INTEGER NOT NULL,
     multipart_id TEXT,
     object TEXT,
     UNIQUE (owner, id)
   );
   CREATE INDEX uploads_by_age ON uploads (owner, created_at, id);
   CREATE INDEX uploads_by_end ON uploads (keep_until);
   CREATE TABLE parts (
     upload INTEGER NOT NULL REFERENCES uploads (row) ON DELETE CASCADE,
     number INTEGER NOT NULL,
     slot BLOB NOT NULL,
     odd_etag TEXT,
     PRIMARY KEY (upload, number)
   ) WITHOUT ROWID;`,
  `ALTER TABLE uploads ADD COLUMN adopted INTEGER;
   ALTER TABLE uploads ADD COLUMN judged INTEGER;`,
  `ALTER TABLE uploads ADD COLUMN attempts INTEGER;
   ALTER TABLE uploads ADD COLUMN expected_hash TEXT;
   ALTER TABLE uploads ADD COLUMN standing INTEGER;
   CREATE INDEX uploads_by_lease ON uploads (lease_until)
     WHERE state IN ('completing', 'aborting', 'verifying');
   CREATE TABLE contents (
     owner TEXT NOT NULL,
     content TEXT NOT NULL,
     upload INTEGER NOT NULL REFERENCES uploads (row) ON DELETE CASCADE,
     PRIMARY KEY (owner, content)
   ) WITHOUT ROWID;
   CREATE INDEX contents_by_upload ON contents (upload);`,
  `ALTER TABLE uploads ADD COLUMN renewed INTEGER;
   ALTER TABLE uploads ADD COLUMN urls INTEGER;
   ALTER TABLE uploads ADD COLUMN urls_day INTEGER;
   ALTER TABLE uploads ADD COLUMN size INTEGER;
   ALTER TABLE uploads ADD COLUMN reserved_until INTEGER;
   ALTER TABLE uploads ADD COLUMN stored_until INTEGER;
   UPDATE uploads SET size = json_extract(draft, '$.size'),
     reserved_until = CASE
       WHEN state = 'creating' THEN min(lease_until, keep_until)
       WHEN state IN ('uploading', 'aborting') THEN expires_at
       WHEN state = 'completing' OR (state = 'verifying' AND standing IS NULL) THEN keep_until
     END,
     stored_until = CASE
       WHEN state = 'completed' OR (state = 'verifying' AND standing IS NOT NULL) THEN keep_until
     END;
   CREATE INDEX uploads_reserved ON uploads (owner, reserved_until, size, state, renewed)
     WHERE reserved_until IS NOT NULL;
   CREATE INDEX uploads_stored ON uploads (owner, stored_until, size)
     WHERE stored_until IS NOT NULL;
   CREATE TABLE days (
     owner TEXT PRIMARY KEY,
     day INTEGER NOT NULL,
     opened INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX days_by_day ON days (day);`,
  `CREATE INDEX uploads_by_expiry ON uploads (expires_at) WHERE state IN ('creating', 'uploading');`,
]

/** Brings the file to this release's form. Several processes may open it at once. */
export function migrate(db: Database.Database): void {
  db.transaction(() => {
    const version = userVersion(db)
    if (version > STEPS.length) {
      throw new Error(`The session file is of a newer release (version ${version})`)
    }
    for (const step of STEPS.slice(version)) db.exec(step)
    db.exec(`PRAGMA user_version = ${STEPS.length}`)
  }).immediate()
}

function userVersion(db: Database.Database): number {
  const row = db.prepare('PRAGMA user_version').raw().get()
  if (Array.isArray(row) && typeof row[0] === 'number') return row[0]
  throw new TypeError('SQLite did not tell the version of the session file')
}
