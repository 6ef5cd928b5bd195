import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import Database from 'libsql'
import { type ChainHead, parseLine } from '../../operations/audit/audit-line.js'
import type { AuditSink, AuditTail } from '../../operations/index.js'
import { StartProblem } from '../start-problem.js'

/** A line has some 2 KB at most, so the last records are in here. */
const TAIL_BYTES = 256 * 1024
const NEWLINE = 0x0a

/** How every line begins, and so whatever is left of one. */
const BEGINNING = '{"audit":"'

/**
 * An audit log in a file, to which lines are only ever added. What is added is on the disk before it counts as
 * written. One process at a time has the file; a process that was killed holds it no more.
 */
export class AuditFile implements AuditSink {
  readonly #path: string
  #lock: Database.Database | undefined
  #file: FileHandle | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Rejects with a `StartProblem` when another process has the file, or it is something else. */
  async open(): Promise<AuditTail> {
    mkdirSync(dirname(this.#path), { recursive: true })
    this.#lock ??= lockBeside(this.#path)
    await this.#file?.close()
    this.#file = undefined
    // Read as well, to find the end; O_APPEND, so that nothing is ever written anywhere else.
    this.#file = await open(this.#path, 'a+', 0o600)
    const tail = await readTail(this.#file)
    if (tail === undefined) {
      throw new StartProblem(`PARTWAY_AUDIT: ${this.#path} has something else than an audit log`)
    }
    return tail
  }

  async append(text: string): Promise<void> {
    if (this.#file === undefined) throw new Error('The file of the audit log is not open')
    await this.#file.appendFile(text)
    await this.#file.datasync()
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
    this.#lock?.close()
    this.#lock = undefined
  }
}

/**
 * By a lock of SQLite, which the system lets go of when a process dies. The file beside it stays: to remove it
 * would let two processes in.
 */
function lockBeside(path: string): Database.Database {
  const db = new Database(`${path}.lock`)
  try {
    db.exec('BEGIN EXCLUSIVE')
    return db
  } catch (cause) {
    db.close()
    if (cause instanceof Error && /locked|busy/i.test(cause.message)) {
      const words = `PARTWAY_AUDIT: another process writes ${path}. Give each server a file of its own`
      throw new StartProblem(words, { cause })
    }
    throw cause
  }
}

/** `undefined` when that is no audit log. */
export async function readTail(file: FileHandle): Promise<AuditTail | undefined> {
  const { size } = await file.stat()
  if (size === 0) return {}
  const length = Math.min(size, TAIL_BYTES)
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, size - length)
  const { head, rest } = lastRecord(bytes.subarray(0, bytesRead))
  if (head === undefined) {
    // Killed while it wrote the very first line; everything else was not written by us.
    const isOurs = size < TAIL_BYTES && isBeginning(rest)
    return isOurs ? tornTail(rest) : undefined
  }
  if (rest.length > 0) return { head, ...tornTail(rest) }
  return bytes[bytesRead - 1] === NEWLINE ? { head } : { head, isMidLine: true }
}

function isBeginning(bytes: Buffer): boolean {
  const start = bytes.subarray(0, BEGINNING.length).toString('latin1')
  return BEGINNING.startsWith(start)
}

function tornTail(bytes: Buffer): AuditTail {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return {
    torn: { bytes: bytes.length, sha256 },
    ...(bytes.at(-1) === NEWLINE ? {} : { isMidLine: true }),
  }
}

/** The last line that is whole, and everything behind it. */
function lastRecord(bytes: Buffer): { readonly head?: ChainHead; readonly rest: Buffer } {
  // Of the last line only its end may be missing.
  let end = bytes.length
  for (;;) {
    const start = end === 0 ? 0 : bytes.lastIndexOf(NEWLINE, end - 1) + 1
    const found = parseLine(bytes.subarray(start, end).toString('latin1'))
    if (found !== undefined) {
      const { chain, seq, hash } = found
      return { head: { chain, seq, hash }, rest: bytes.subarray(end + 1) }
    }
    if (start === 0) return { rest: bytes }
    end = start - 1
  }
}
