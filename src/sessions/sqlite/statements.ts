import type Database from 'libsql'

/** The columns of a record, under the names that `recordSchema` has. */
const COLUMNS = `row, draft, state, epoch, judged, fence, lease_until AS leaseUntil, attempts, revision,
  arrived, expires_at AS expiresAt, keep_until AS keepUntil, multipart_id AS multipartId, adopted,
  expected_hash AS expectedHash, standing, object, renewed, urls, urls_day AS urlsDay`

/** The statements about uploads, prepared once. Parameters are in the order of the question marks. */
export const SQL = {
  check: 'SELECT 1',

  find: `SELECT ${COLUMNS} FROM uploads WHERE owner = ? AND id = ? AND keep_until > ?`,
  /** Whatever its `keep_until`, because a record that has ended gives way to a new one. */
  findAny: `SELECT ${COLUMNS} FROM uploads WHERE owner = ? AND id = ?`,

  insert: `INSERT INTO uploads (owner, id, created_at, draft, state, epoch, judged, fence,
      lease_until, revision, arrived, expires_at, keep_until, renewed, urls, urls_day, size,
      reserved_until)
    VALUES (?, ?, ?, ?, 'creating', ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?)`,
  update: `UPDATE uploads SET state = ?, epoch = ?, fence = ?, lease_until = ?, attempts = ?,
      revision = ?, arrived = ?, expires_at = ?, keep_until = ?, multipart_id = ?, adopted = ?,
      expected_hash = ?, standing = ?, object = ?, urls = ?, urls_day = ?,
      reserved_until = ?, stored_until = ?
    WHERE row = ?`,
  delete: 'DELETE FROM uploads WHERE row = ?',
  /** Two at most: a step that adds one record then keeps up, and none is held up for long. */
  purge: `DELETE FROM uploads WHERE row IN
    (SELECT row FROM uploads WHERE keep_until <= ? ORDER BY keep_until LIMIT 2)`,
  /** Parameters: now, limit. */
  purgeMany: `DELETE FROM uploads WHERE row IN
    (SELECT row FROM uploads WHERE keep_until <= ? ORDER BY keep_until LIMIT ?)`,

  /** Parameters: owner, content, now. */
  twin: `SELECT ${COLUMNS} FROM uploads WHERE state = 'completed' AND row =
      (SELECT upload FROM contents WHERE owner = ? AND content = ?)
    AND keep_until > ?`,
  /** Parameters: owner, content, row of the upload. */
  putContent: `INSERT INTO contents (owner, content, upload) VALUES (?, ?, ?)
    ON CONFLICT (owner, content) DO UPDATE SET upload = excluded.upload`,

  /** The states as the index names them, or it is not used. Parameters: now, now, limit. */
  due: `SELECT owner, id FROM uploads
    WHERE state IN ('completing', 'aborting', 'verifying') AND lease_until <= ? AND keep_until > ?
    ORDER BY lease_until LIMIT ?`,
  /** As for `due`. Parameters: now, now, now, limit. */
  overdue: `SELECT owner, id FROM uploads
    WHERE state IN ('creating', 'uploading') AND expires_at <= ? AND lease_until <= ? AND keep_until > ?
    ORDER BY expires_at LIMIT ?`,
  /** Parameters: row of the last upload seen, limit. */
  unfinished: `SELECT row, owner, id FROM uploads
    WHERE row > ? AND state IN ('creating', 'uploading', 'completing', 'aborting')
    ORDER BY row LIMIT ?`,

  /** Parameters: owner, now, createdAt and id of the last upload seen, limit. */
  list: `SELECT ${COLUMNS} FROM uploads
    WHERE owner = ? AND keep_until > ? AND (created_at, id) < (?, ?) AND state <> 'creating'
    ORDER BY created_at DESC, id DESC LIMIT ?`,
  /** Parameters: as `list`, then before the limit the state. */
  listState: `SELECT ${COLUMNS} FROM uploads
    WHERE owner = ? AND keep_until > ? AND (created_at, id) < (?, ?) AND state = ?
    ORDER BY created_at DESC, id DESC LIMIT ?`,
} as const

export type Statements = Record<keyof typeof SQL, Database.Statement<[Parameters]>>
type Parameters = readonly (string | number | null)[]

export function prepareStatements(db: Database.Database): Statements {
  const prepare = (sql: string) => db.prepare<[Parameters]>(sql)
  return {
    check: prepare(SQL.check),
    find: prepare(SQL.find),
    findAny: prepare(SQL.findAny),
    insert: prepare(SQL.insert),
    update: prepare(SQL.update),
    delete: prepare(SQL.delete),
    purge: prepare(SQL.purge),
    purgeMany: prepare(SQL.purgeMany),
    twin: prepare(SQL.twin),
    putContent: prepare(SQL.putContent),
    due: prepare(SQL.due),
    overdue: prepare(SQL.overdue),
    unfinished: prepare(SQL.unfinished),
    list: prepare(SQL.list),
    listState: prepare(SQL.listState),
  }
}
