import type Database from 'libsql'
import * as z from 'zod/mini'
import type {
  ClaimEvent,
  ClaimedEvent,
  DeadPage,
  DeadQuery,
  DueEvents,
  EndEvent,
  EventRef,
  Outbox,
  OutboxEvent,
  OutboxSize,
  ReviveEvent,
} from '../../coordinator/ports.js'
import { deliverySchema, eventSchema, refSchema } from '../outbox-rows.js'

const rowSchema = z.extend(z.extend(z.extend(refSchema, eventSchema.shape), deliverySchema.shape), {
  row: z.int(),
})
const sizeSchema = z.object({ state: deliverySchema.shape.state, count: z.int() })

type Statement = Database.Statement<[readonly (string | number | null)[]]>

/** The outbox of a SQLite file. Like the sessions there, each step is one transaction. */
export class SqliteOutbox implements Outbox {
  readonly #sql: Record<keyof typeof OUTBOX_SQL, Statement>

  /** `db` must have this release's schema. */
  constructor(db: Database.Database) {
    const prepare = (sql: string): Statement => db.prepare(sql)
    this.#sql = {
      put: prepare(OUTBOX_SQL.put),
      due: prepare(OUTBOX_SQL.due),
      claim: prepare(OUTBOX_SQL.claim),
      delivered: prepare(OUTBOX_SQL.delivered),
      end: prepare(OUTBOX_SQL.end),
      dead: prepare(OUTBOX_SQL.dead),
      revive: prepare(OUTBOX_SQL.revive),
      size: prepare(OUTBOX_SQL.size),
      forget: prepare(OUTBOX_SQL.forget),
    }
  }

  /** Part of a transaction of the sessions. */
  put(events: readonly OutboxEvent[]): void {
    for (const event of events) {
      const { owner, id, target, type, createdAt, payload, keepUntil } = event
      this.#sql.put.run([owner, id, target, type, createdAt, payload, createdAt, keepUntil])
    }
  }

  async due({ target, now, limit }: DueEvents): Promise<readonly EventRef[]> {
    return z.array(refSchema).parse(this.#sql.due.all([target, now, now, limit]))
  }

  async claim(ref: EventRef, { now, leaseMs }: ClaimEvent): Promise<ClaimedEvent | undefined> {
    const { owner, id, target } = ref
    const found = this.#sql.claim.get([now + leaseMs, owner, id, target, now, now])
    if (found === undefined) return undefined
    const { type, createdAt, payload, keepUntil, fence, attempts } = rowSchema.parse(found)
    return { event: { owner, id, target, type, createdAt, payload, keepUntil }, fence, attempts }
  }

  async end({ owner, id, target }: EventRef, step: EndEvent): Promise<boolean> {
    const of = [owner, id, target, step.fence]
    if (step.to === 'delivered') return this.#sql.delivered.run(of).changes > 0
    const { to, reason } = step
    const changes =
      to === 'waiting' ? [step.dueAt, step.attempts ?? null, null] : [null, null, step.keepUntil]
    return this.#sql.end.run([to, reason, ...changes, ...of]).changes > 0
  }

  async dead({ now, limit, cursor = '0' }: DeadQuery): Promise<DeadPage> {
    const rows = z.array(rowSchema).parse(this.#sql.dead.all([Number(cursor), now, limit]))
    const events = rows.map(({ row: _, state: __, dueAt: ___, fence: ____, reason, ...event }) => ({
      ...event,
      reason: reason ?? '',
    }))
    const last = rows.at(-1)
    return { events, ...(last && rows.length === limit && { nextCursor: String(last.row) }) }
  }

  async revive({ owner, id, target }: EventRef, step: ReviveEvent): Promise<boolean> {
    const { now, keepUntil } = step
    return this.#sql.revive.run([now, keepUntil, owner, id, target, now]).changes > 0
  }

  async size(targets: readonly string[]): Promise<OutboxSize> {
    const found = z.array(sizeSchema).parse(this.#sql.size.all([JSON.stringify(targets)]))
    const countOf = (state: string) => found.find((row) => row.state === state)?.count ?? 0
    return { waiting: countOf('waiting'), dead: countOf('dead') }
  }

  async mend(now: number): Promise<void> {
    this.#sql.forget.run([now])
  }
}

const COLUMNS = `row, owner, id, target, type, created_at AS createdAt, payload, state,
  due_at AS dueAt, attempts, fence, keep_until AS keepUntil, reason`

/** Prepared once. Parameters are in the order of the question marks. */
export const OUTBOX_SQL = {
  put: `INSERT INTO outbox (owner, id, target, type, created_at, payload, state, due_at, attempts, fence, keep_until)
    VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, 0, 0, ?)`,
  /** The state as the index names it, or it is not used. Parameters: target, now, now, limit. */
  due: `SELECT owner, id, target FROM outbox
    WHERE target = ? AND state = 'waiting' AND due_at <= ? AND keep_until > ? ORDER BY due_at LIMIT ?`,
  /** Parameters: end of the lease, owner, id, target, now, now. */
  claim: `UPDATE outbox SET due_at = ?, attempts = attempts + 1, fence = fence + 1
    WHERE owner = ? AND id = ? AND target = ? AND state = 'waiting' AND due_at <= ? AND keep_until > ?
    RETURNING ${COLUMNS}`,
  /** Parameters: owner, id, target, fence. */
  delivered: `DELETE FROM outbox
    WHERE owner = ? AND id = ? AND target = ? AND fence = ? AND state = 'waiting'`,
  /** Parameters: state, reason, due at, attempts and kept until, or null for as before; owner, id, target, fence. */
  end: `UPDATE outbox SET state = ?, reason = ?, due_at = coalesce(?, due_at), attempts = coalesce(?, attempts),
      keep_until = coalesce(?, keep_until)
    WHERE owner = ? AND id = ? AND target = ? AND fence = ? AND state = 'waiting'`,
  /** Parameters: row of the last one seen, now, limit. */
  dead: `SELECT ${COLUMNS} FROM outbox
    WHERE row > ? AND state = 'dead' AND keep_until > ? ORDER BY row LIMIT ?`,
  /** Parameters: now, kept until, owner, id, target, now. */
  revive: `UPDATE outbox SET state = 'waiting', due_at = ?, attempts = 0, keep_until = ?
    WHERE owner = ? AND id = ? AND target = ? AND state = 'dead' AND keep_until > ?`,
  /** Parameters: targets, JSON. */
  size: `SELECT state, count(*) AS count FROM outbox
    WHERE state = 'dead' OR target IN (SELECT value FROM json_each(?)) GROUP BY state`,
  /** Parameters: now. */
  forget: 'DELETE FROM outbox WHERE keep_until <= ?',
} as const
