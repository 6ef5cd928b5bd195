import type Database from 'libsql'
import * as z from 'zod/mini'
import type { PartRecord } from '../../coordinator/session.js'
import type { ChecksumMode } from '../../protocol/index.js'
import { decodeSlots, encodeSlots, isHexEtag, slotBytes } from '../part-slots.js'

/**
 * The table of the parts, a row each. Any number of them goes to SQLite, and comes back, as one value:
 * a row at a time through the driver takes several times as long, and the event loop waits meanwhile.
 */
export class PartTable {
  readonly #all: Database.Statement<[readonly unknown[]]>
  readonly #span: Database.Statement<[readonly unknown[]]>
  readonly #put: Database.Statement<[readonly unknown[]]>
  readonly #putOdd: Database.Statement<[readonly unknown[]]>
  readonly #clear: Database.Statement<[readonly unknown[]]>

  constructor(db: Database.Database) {
    this.#all = db.prepare(`${SELECT} WHERE upload = ?`)
    this.#span = db.prepare(`${SELECT} WHERE upload = ? AND number BETWEEN ? AND ?`)
    this.#put = db.prepare(PUT)
    this.#putOdd = db.prepare(PUT_ODD)
    this.#clear = db.prepare('DELETE FROM parts WHERE upload = ?')
  }

  /** The parts of an upload, by ascending index. */
  all(upload: number, mode: ChecksumMode): PartRecord[] {
    return decode(mode, this.#all.get([upload]))
  }

  /** At least those of `indexes` of which something is known. */
  around(upload: number, mode: ChecksumMode, indexes: readonly number[]): PartRecord[] {
    if (indexes.length === 0) return []
    const low = indexes.reduce((a, b) => Math.min(a, b))
    const high = indexes.reduce((a, b) => Math.max(a, b))
    return decode(mode, this.#span.get([upload, low, high]))
  }

  /** Writes these parts, each index once, over what was known of them. */
  put(upload: number, mode: ChecksumMode, parts: readonly PartRecord[]): void {
    if (parts.length === 0) return
    const size = slotBytes(mode)
    const indexes = JSON.stringify(parts.map(({ index }) => index))
    this.#put.run([upload, encodeSlots(mode, parts), size, size, indexes])
    const odd = parts.flatMap(({ index, etag }) =>
      etag === undefined || isHexEtag(etag) ? [] : [[index, etag] as const],
    )
    if (odd.length > 0) this.#putOdd.run([upload, JSON.stringify(Object.fromEntries(odd))])
  }

  clear(upload: number): void {
    this.#clear.run([upload])
  }
}

const SELECT = `SELECT json_group_array(number) AS numbers, group_concat(hex(slot), '') AS slots,
  json_group_object(number, odd_etag) FILTER (WHERE odd_etag IS NOT NULL) AS odd FROM parts`

/** Parameters: upload, slots, bytes of a slot twice, JSON array of the indexes. `key` counts from 0. */
const PUT = `INSERT INTO parts (upload, number, slot)
  SELECT ?, value, substr(?, key * ? + 1, ?) FROM json_each(?) WHERE true
  ON CONFLICT (upload, number) DO UPDATE SET slot = excluded.slot, odd_etag = NULL`

/**
 * Parameters: upload, JSON object of the ETags by index. The rows are there already; an UPDATE … FROM
 * would look through all ETags for each of them.
 */
const PUT_ODD = `INSERT INTO parts (upload, number, slot, odd_etag)
  SELECT ?, CAST(key AS INTEGER), x'', value FROM json_each(?) WHERE true
  ON CONFLICT (upload, number) DO UPDATE SET odd_etag = excluded.odd_etag`

const rowSchema = z.object({
  numbers: z.string(),
  slots: z.nullable(z.string()),
  odd: z.nullable(z.string()),
})
const numbersSchema = z.array(z.int())
const oddSchema = z.record(z.string(), z.string())

function decode(mode: ChecksumMode, found: unknown): PartRecord[] {
  const { numbers, slots, odd } = rowSchema.parse(found)
  const indexes = numbersSchema.parse(JSON.parse(numbers))
  const oddEtags = Object.entries(oddSchema.parse(JSON.parse(odd ?? '{}')))
  const parts = decodeSlots({
    mode,
    bytes: Buffer.from(slots ?? '', 'hex'),
    indexAt: (position) => indexes[position] ?? 0,
    oddEtags: new Map(oddEtags.map(([index, etag]) => [Number(index), etag])),
  })
  // An aggregate promises no order, though it scans the primary key.
  return parts.sort((a, b) => a.index - b.index)
}
