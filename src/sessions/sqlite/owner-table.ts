import type Database from 'libsql'
import * as z from 'zod/mini'
import type { Usage } from '../../coordinator/ports.js'
import { dayOf } from '../../coordinator/usage.js'
import type { UploadRecord } from '../stored-upload.js'

const usageSchema = z.object({
  openUploads: z.number(),
  reservedBytes: z.number(),
  storedBytes: z.number(),
  uploadsToday: z.number(),
})

/** What owners have. All of it is the sum over their rows but for the uploads of a day, whose rows may be gone. */
export class OwnerTable {
  readonly #usage: Database.Statement<[readonly unknown[]]>
  readonly #countOpened: Database.Statement<[readonly unknown[]]>
  readonly #purge: Database.Statement<[readonly unknown[]]>

  constructor(db: Database.Database) {
    this.#usage = db.prepare(USAGE_SQL)
    this.#countOpened = db.prepare(COUNT_OPENED)
    this.#purge = db.prepare(PURGE)
  }

  usage(owner: string, now: number): Usage {
    const row = this.#usage.get([owner, now, owner, now, owner, dayOf(now)])
    return usageSchema.parse(row)
  }

  /** Counts an upload that was `creating` as one of the day. */
  countOpened(owner: string, was: Pick<UploadRecord, 'state' | 'renewed'>, now: number): void {
    if (was.state !== 'creating' || was.renewed === 1) return
    this.#countOpened.run([owner, dayOf(now)])
  }

  /** Forgets days that are over: two at most, so that a step that adds one keeps up. */
  purge(now: number): void {
    this.#purge.run([dayOf(now)])
  }
}

/** Parameters: owner, now, owner, now, owner, day. */
export const USAGE_SQL = `SELECT openUploads, reservedBytes, storedBytes, opening + opened AS uploadsToday FROM
  (SELECT count(*) AS openUploads, coalesce(sum(size), 0) AS reservedBytes,
      count(*) FILTER (WHERE state = 'creating' AND renewed IS NULL) AS opening
    FROM uploads WHERE owner = ? AND reserved_until > ?),
  (SELECT coalesce(sum(size), 0) AS storedBytes FROM uploads WHERE owner = ? AND stored_until > ?),
  (SELECT coalesce(max(opened), 0) AS opened FROM days WHERE owner = ? AND day >= ?)`

/** Parameters: owner, day. The day never goes back, though the clocks of two processes may differ. */
const COUNT_OPENED = `INSERT INTO days (owner, day, opened) VALUES (?, ?, 1)
  ON CONFLICT (owner) DO UPDATE SET day = max(day, excluded.day),
    opened = CASE WHEN excluded.day > day THEN 1 ELSE opened + 1 END`

const PURGE = `DELETE FROM days WHERE owner IN
  (SELECT owner FROM days WHERE day < ? ORDER BY day LIMIT 2)`
