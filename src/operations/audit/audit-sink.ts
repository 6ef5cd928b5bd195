import type { ChainHead } from './audit-line.js'

/** Bytes of lines that a process which died, or a full disk, left unfinished. They stay where they are. */
export interface Torn {
  readonly bytes: number
  /** In hex. */
  readonly sha256: string
}

/** Where an audit log ends. */
export interface AuditTail {
  /** Absent when there is no record. */
  readonly head?: ChainHead
  /** What follows the last record. */
  readonly torn?: Torn
  /** It does not end with the end of a line. */
  readonly isMidLine?: boolean
}

/** Where the lines go. Only one log writes to it at a time. */
export interface AuditSink {
  /** Opens the place, or opens it again, and says where it ends. */
  open(): Promise<AuditTail>
  /**
   * Resolves when the text is there to stay. After a rejection nobody knows how much of it is: then `open` tells, and
   * comes before the next `append`.
   */
  append(text: string): Promise<void>
  close(): Promise<void>
}
