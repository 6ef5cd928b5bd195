import type Database from 'libsql'
import { S3Error } from '../s3-error.js'
import { ObjectTable } from './object-table.js'
import { type BucketRecord, bucketSchema } from './records.js'
import { UploadTable } from './upload-table.js'

/**
 * What there is: buckets, objects, multipart uploads and their parts. Every step is one transaction, on disk
 * when it returns, and a refusal changes nothing. Steps are synchronous, so none sees another half done.
 */
export class Catalogue {
  readonly objects: ObjectTable
  readonly uploads: UploadTable
  readonly #db: Database.Database
  readonly #insert: Database.Statement
  readonly #find: Database.Statement
  readonly #list: Database.Statement

  constructor(db: Database.Database) {
    this.#db = db
    this.#insert = db.prepare('INSERT OR IGNORE INTO buckets (name, created_at) VALUES (?, ?)')
    this.#find = db.prepare('SELECT 1 FROM buckets WHERE name = ?')
    this.#list = db.prepare('SELECT name, created_at AS createdAt FROM buckets ORDER BY name')
    const requireBucket = (name: string) => this.requireBucket(name)
    this.objects = new ObjectTable(db, requireBucket)
    this.uploads = new UploadTable(db, { requireBucket, objects: this.objects })
  }

  /** Whether it was not there before. */
  createBucket(name: string, now: number): boolean {
    return this.#insert.run([name, now]).changes === 1
  }

  requireBucket(name: string): void {
    if (this.#find.get([name]) !== undefined) return
    throw new S3Error('NoSuchBucket', 'The specified bucket does not exist')
  }

  buckets(): readonly BucketRecord[] {
    return this.#list.all([]).map((row) => bucketSchema.parse(row))
  }

  /** Its open uploads go with it. Returns the blobs that nothing needs any more. */
  deleteBucket(name: string): readonly string[] {
    return this.#db
      .transaction(() => {
        this.requireBucket(name)
        const blobs = this.uploads.deleteAll(name)
        this.#db.prepare('DELETE FROM buckets WHERE name = ?').run([name])
        return blobs
      })
      .immediate()
  }

  /** Every file that is needed. */
  blobs(): Set<string> {
    const sql = 'SELECT blob FROM segments UNION SELECT blob FROM parts'
    return new Set(this.#db.prepare(sql).raw().all([]).flat().map(String))
  }

  close(): void {
    // libsql lets go of the file only when all statements have been collected as garbage; the lock goes now.
    // It can be given up only outside of WAL (https://sqlite.org/wal.html#use_of_wal_without_shared_memory).
    this.#db.pragma('journal_mode = DELETE')
    this.#db.pragma('locking_mode = NORMAL')
    this.#find.get([''])
    this.#db.close()
  }
}
