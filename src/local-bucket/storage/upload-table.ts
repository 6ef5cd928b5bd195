import type Database from 'libsql'
import { S3Error } from '../s3-error.js'
import type { KeyRange, ObjectTable, ReplaceGuard } from './object-table.js'
import {
  type NewObject,
  type ObjectPlace,
  type PartRecord,
  partSchema,
  type UploadRecord,
  uploadSchema,
} from './records.js'

/** A multipart upload is known by its id, its bucket and its key together. */
export interface UploadPlace extends ObjectPlace {
  readonly uploadId: string
}

export interface UploadPosition {
  readonly key: Uint8Array
  readonly uploadId: string
}

export interface Completion {
  readonly object: NewObject
  readonly mayReplace: ReplaceGuard
}

interface Neighbours {
  readonly requireBucket: (name: string) => void
  readonly objects: ObjectTable
}

const COLUMNS =
  'id, CAST(key AS TEXT) AS key, initiated_at AS initiatedAt, headers, algorithm, type'
const PART_COLUMNS = 'number, blob, size, etag, checksum, modified_at AS modifiedAt'

const SQL = {
  find: `SELECT ${COLUMNS} FROM uploads WHERE id = ? AND bucket = ? AND key = ?`,
  /** Parameters: bucket, key and id of the last one seen, end of the keys, limit. */
  list: `SELECT ${COLUMNS} FROM uploads WHERE bucket = ? AND (key, id) > (?, ?) AND key < ?
    ORDER BY uploads.key, id LIMIT ?`,
  insert: `INSERT INTO uploads (id, bucket, key, initiated_at, headers, algorithm, type)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  delete: 'DELETE FROM uploads WHERE id = ?',
  parts: `SELECT ${PART_COLUMNS} FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?`,
  part: `SELECT ${PART_COLUMNS} FROM parts WHERE upload = ? AND number = ?`,
  putPart: `INSERT OR REPLACE INTO parts (upload, number, blob, size, etag, checksum, modified_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  blobs: `SELECT blob FROM parts WHERE upload = ?`,
  blobsOfBucket: `SELECT blob FROM parts WHERE upload IN (SELECT id FROM uploads WHERE bucket = ?)`,
  deleteOfBucket: 'DELETE FROM uploads WHERE bucket = ?',
  countObjects: 'SELECT 1 FROM objects WHERE bucket = ? LIMIT 1',
} as const

export class UploadTable {
  readonly #db: Database.Database
  readonly #neighbours: Neighbours
  readonly #sql: Record<keyof typeof SQL, Database.Statement>

  constructor(db: Database.Database, neighbours: Neighbours) {
    this.#db = db
    this.#neighbours = neighbours
    this.#sql = {
      find: db.prepare(SQL.find),
      list: db.prepare(SQL.list),
      insert: db.prepare(SQL.insert),
      delete: db.prepare(SQL.delete),
      parts: db.prepare(SQL.parts),
      part: db.prepare(SQL.part),
      putPart: db.prepare(SQL.putPart),
      blobs: db.prepare(SQL.blobs).raw(),
      blobsOfBucket: db.prepare(SQL.blobsOfBucket).raw(),
      deleteOfBucket: db.prepare(SQL.deleteOfBucket),
      countObjects: db.prepare(SQL.countObjects),
    }
  }

  create(bucket: string, upload: UploadRecord): void {
    this.#atomically(() => {
      this.#neighbours.requireBucket(bucket)
      const { id, initiatedAt, headers, algorithm, type } = upload
      const key = Buffer.from(upload.key)
      const kept = JSON.stringify(headers)
      this.#sql.insert.run([id, bucket, key, initiatedAt, kept, algorithm, type])
    })
  }

  find({ uploadId, bucket, key }: UploadPlace): UploadRecord | undefined {
    const row = this.#sql.find.get([uploadId, bucket, Buffer.from(key)])
    return row === undefined ? undefined : uploadSchema.parse(row)
  }

  require(place: UploadPlace): UploadRecord {
    const found = this.find(place)
    if (found !== undefined) return found
    this.#neighbours.requireBucket(place.bucket)
    throw new S3Error(
      'NoSuchUpload',
      'The specified multipart upload does not exist. It may have been aborted or completed',
    )
  }

  /** Those after a position, in the order of keys and then of ids, which is that of their beginning. */
  list(
    bucket: string,
    after: UploadPosition,
    range: Omit<KeyRange, 'from'>,
  ): readonly UploadRecord[] {
    const rows = this.#sql.list.all([bucket, after.key, after.uploadId, range.to, range.limit])
    return rows.map((row) => uploadSchema.parse(row))
  }

  parts(uploadId: string, after = 0, limit = -1): readonly PartRecord[] {
    return this.#sql.parts.all([uploadId, after, limit]).map((row) => partSchema.parse(row))
  }

  /** Takes the place of a part of that number. Returns the blobs that nothing needs any more. */
  putPart(place: UploadPlace, part: PartRecord): readonly string[] {
    return this.#atomically(() => {
      this.require(place)
      const before = this.#sql.part.get([place.uploadId, part.number])
      const { number, blob, size, etag, checksum, modifiedAt } = part
      this.#sql.putPart.run([place.uploadId, number, blob, size, etag, checksum, modifiedAt])
      return before === undefined
        ? []
        : this.#neighbours.objects.unused([partSchema.parse(before).blob])
    })
  }

  /** The upload ends, and the object is there. Returns the blobs that nothing needs any more. */
  complete(place: UploadPlace, { object, mayReplace }: Completion): readonly string[] {
    return this.#atomically(() => {
      const { objects } = this.#neighbours
      this.require(place)
      mayReplace(objects.find(place))
      const blobs = this.#blobsOf(place.uploadId)
      requireAll(object, blobs)
      this.#sql.delete.run([place.uploadId])
      const replaced = objects.replace(place, object)
      return [...replaced, ...objects.unused(blobs)]
    })
  }

  /** Returns the blobs that nothing needs any more. */
  abort(place: UploadPlace): readonly string[] {
    return this.#atomically(() => {
      this.require(place)
      const blobs = this.#blobsOf(place.uploadId)
      this.#sql.delete.run([place.uploadId])
      return this.#neighbours.objects.unused(blobs)
    })
  }

  /** Within a transaction: the uploads of a bucket that has no object. */
  deleteAll(bucket: string): readonly string[] {
    if (this.#sql.countObjects.get([bucket]) !== undefined) {
      throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty')
    }
    const blobs = this.#sql.blobsOfBucket.all([bucket]).flat().map(String)
    this.#sql.deleteOfBucket.run([bucket])
    return this.#neighbours.objects.unused(blobs)
  }

  #blobsOf(uploadId: string): readonly string[] {
    return this.#sql.blobs.all([uploadId]).flat().map(String)
  }

  #atomically<T>(step: () => T): T {
    return this.#db.transaction(step).immediate()
  }
}

/** A part may have been sent again since the list of parts was looked at. */
function requireAll({ segments }: NewObject, blobs: readonly string[]): void {
  const present = new Set(blobs)
  if (segments.every(({ blob }) => present.has(blob))) return
  throw new S3Error('InvalidPart', 'A part was replaced while the upload was being completed')
}
