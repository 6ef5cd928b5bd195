import type { CleanUpReport } from '../coordinator/clean-up.js'
import type { Upload } from '../coordinator/session.js'
import type { Orphan } from '../operations/index.js'
import type { LineStream } from './audit/audit-stream.js'
import { describeError } from './describe-error.js'
import type { ServerIo } from './until-stopped.js'

export interface JanitorIo extends Pick<ServerIo, 'stderr'> {
  readonly stdout: LineStream
}

export interface JanitorFlags {
  readonly dryRun?: boolean
  /** Whether multipart uploads that no record knows are removed, too. */
  readonly orphans?: boolean
  readonly json?: boolean
}

/** What `partway janitor` prints: a line for each upload, and what there was in all. */
export class JanitorReport {
  readonly #io: JanitorIo
  readonly #flags: JanitorFlags

  constructor(io: JanitorIo, flags: JanitorFlags) {
    this.#io = io
    this.#flags = flags
  }

  upload({ id, key, size, expiresAt, state }: Upload): void {
    const { dryRun } = this.#flags
    const what = dryRun ? 'would expire' : 'expired'
    // An upload that has just been given up has the lifetime of its record already.
    const since = state === 'expired' ? {} : { expiresAt: new Date(expiresAt).toISOString() }
    const { expiresAt: end } = since
    this.#print(
      { type: 'upload', upload_id: id, key, size, ...(end !== undefined && { expires_at: end }) },
      `${what}  ${id}  ${size} bytes${end === undefined ? '' : `, its time was over at ${end}`}`,
    )
  }

  fault(id: string, fault: unknown): void {
    this.#io.stderr.write(`${id}: ${describeError(fault).message}\n`)
  }

  /** `orphans` is absent where the bucket could not be searched for any. */
  end(report: CleanUpReport, orphans: readonly Orphan[] | undefined): void {
    const { dryRun = false } = this.#flags
    const isRemoved = this.#flags.orphans === true && !dryRun
    for (const { key, idleSince } of orphans ?? []) {
      const since = new Date(idleSince).toISOString()
      this.#print(
        { type: 'orphan', key, idle_since: since, removed: isRemoved },
        `${isRemoved ? 'removed' : 'no record of'}  ${JSON.stringify(key)}, untouched since ${since}`,
      )
    }
    const found = orphans === undefined ? {} : { orphans: orphans.length }
    this.#print(
      { type: 'end', dry_run: dryRun, ...report, ...found },
      `${sentence(report, dryRun)}\n${orphanSentence(orphans, isRemoved)}`,
    )
  }

  #print(json: object, text: string): void {
    this.#io.stdout.write(`${this.#flags.json ? JSON.stringify(json) : text}\n`, () => {})
  }
}

function sentence({ expired, kept, failed, forgotten }: CleanUpReport, isDryRun: boolean): string {
  if (isDryRun) return `${expired} uploads are past their time. Nothing was touched.`
  const others = `${kept} gone on with meanwhile, ${failed} failed, ${forgotten} records forgotten`
  return `${expired} uploads expired; ${others}.`
}

function orphanSentence(orphans: readonly Orphan[] | undefined, isRemoved: boolean): string {
  if (orphans === undefined) {
    return 'This bucket cannot be searched for multipart uploads without a record; its own clean-up removes them.'
  }
  if (orphans.length === 0) return 'There are no multipart uploads without a record.'
  if (isRemoved) return `${orphans.length} multipart uploads without a record were removed.`
  return `${orphans.length} multipart uploads have no record. If no other server keeps its records elsewhere for this bucket, --orphans removes them.`
}
