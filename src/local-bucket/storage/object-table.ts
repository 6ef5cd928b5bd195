import type Database from 'libsql'
import {
  type NewObject,
  type ObjectPlace,
  type ObjectRecord,
  objectSchema,
  type Segment,
  segmentSchema,
} from './records.js'

/** A run of keys, from one included to one excluded. */
export interface KeyRange {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly limit: number
}

/** Is asked, before an object is replaced, whether it may be; throws if not. */
export type ReplaceGuard = (existing: ObjectRecord | undefined) => void

const COLUMNS =
  'row, CAST(key AS TEXT) AS key, size, etag, modified_at AS modifiedAt, headers, checksum, upload'

const SQL = {
  find: `SELECT ${COLUMNS} FROM objects WHERE bucket = ? AND key = ?`,
  list: `SELECT ${COLUMNS} FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY objects.key LIMIT ?`,
  insert: `INSERT INTO objects (bucket, key, size, etag, modified_at, headers, checksum, upload)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  delete: 'DELETE FROM objects WHERE row = ?',
  segments: 'SELECT blob, size FROM segments WHERE object = ? ORDER BY position',
  insertSegment: 'INSERT INTO segments (object, position, blob, size) VALUES (?, ?, ?, ?)',
  isUsed: `SELECT 1 FROM segments WHERE blob = ?1 UNION ALL SELECT 1 FROM parts WHERE blob = ?1
    LIMIT 1`,
} as const

export class ObjectTable {
  readonly #db: Database.Database
  readonly #requireBucket: (name: string) => void
  readonly #sql: Record<keyof typeof SQL, Database.Statement>

  constructor(db: Database.Database, requireBucket: (name: string) => void) {
    this.#db = db
    this.#requireBucket = requireBucket
    this.#sql = {
      find: db.prepare(SQL.find),
      list: db.prepare(SQL.list),
      insert: db.prepare(SQL.insert),
      delete: db.prepare(SQL.delete),
      segments: db.prepare(SQL.segments),
      insertSegment: db.prepare(SQL.insertSegment),
      isUsed: db.prepare(SQL.isUsed),
    }
  }

  find({ bucket, key }: ObjectPlace): ObjectRecord | undefined {
    const row = this.#sql.find.get([bucket, Buffer.from(key)])
    return row === undefined ? undefined : objectSchema.parse(row)
  }

  segments({ row }: ObjectRecord): readonly Segment[] {
    return this.#sql.segments.all([row]).map((found) => segmentSchema.parse(found))
  }

  /** In the order of their keys. */
  list(bucket: string, { from, to, limit }: KeyRange): readonly ObjectRecord[] {
    const rows = this.#sql.list.all([bucket, from, to, limit])
    return rows.map((row) => objectSchema.parse(row))
  }

  /** Returns the blobs that nothing needs any more. */
  put(place: ObjectPlace, object: NewObject, mayReplace: ReplaceGuard): readonly string[] {
    return this.#db
      .transaction(() => {
        this.#requireBucket(place.bucket)
        mayReplace(this.find(place))
        return this.replace(place, object)
      })
      .immediate()
  }

  /** Within a transaction: puts `object` in the place of whatever was there. */
  replace(place: ObjectPlace, object: NewObject): readonly string[] {
    const before = this.#take(place)
    const { lastInsertRowid } = this.#sql.insert.run([
      place.bucket,
      Buffer.from(place.key),
      object.size,
      object.etag,
      object.modifiedAt,
      JSON.stringify(object.headers),
      object.checksum === undefined ? null : JSON.stringify(object.checksum),
      object.upload ?? null,
    ])
    for (const [position, { blob, size }] of object.segments.entries()) {
      this.#sql.insertSegment.run([Number(lastInsertRowid), position, blob, size])
    }
    return this.unused(before)
  }

  /** Returns the blobs that nothing needs any more. An object that is not there is deleted already. */
  delete(place: ObjectPlace): readonly string[] {
    return this.#db
      .transaction(() => {
        this.#requireBucket(place.bucket)
        return this.unused(this.#take(place))
      })
      .immediate()
  }

  /** Those of `blobs` that no object and no part has. Copies share theirs. */
  unused(blobs: readonly string[]): readonly string[] {
    return blobs.filter((blob) => this.#sql.isUsed.get([blob]) === undefined)
  }

  #take(place: ObjectPlace): readonly string[] {
    const before = this.find(place)
    if (before === undefined) return []
    const blobs = this.segments(before).map(({ blob }) => blob)
    this.#sql.delete.run([before.row])
    return blobs
  }
}
