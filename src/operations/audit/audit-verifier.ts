import { createHash } from 'node:crypto'
import {
  type AuditLine,
  type ChainHead,
  chainHash,
  NO_HASH,
  parseLine,
  SEGMENT_EVENT,
} from './audit-line.js'

export interface AuditVerifierOptions {
  /**
   * The lines are those of a stream, with other lines in between, and maybe with those of several servers.
   * @default false
   */
  readonly isMixed?: boolean
  /** Told of each finding. `line` counts from 1 in each file. */
  readonly onProblem: (problem: string, line: number) => void
}

export interface VerifiedChain {
  readonly first: ChainHead
  readonly last: ChainHead
  /** The first record is the first there ever was of this chain. */
  readonly isFromStart: boolean
}

const NEWLINE = Buffer.from('\n')

/**
 * Checks lines one by one. A line that was taken out, altered, moved or cut is found; so is one put in. Not found are
 * lines taken off the end, and a chain that was made anew as a whole: for these, a hash that was noted
 * elsewhere has to be found again.
 */
export class AuditVerifier {
  readonly #options: AuditVerifierOptions
  readonly #chains = new Map<string, { first: AuditLine; last: ChainHead }>()
  #line = 0
  #records = 0
  #torn: Buffer[] = []
  #tornFrom = 0

  constructor(options: AuditVerifierOptions) {
    this.#options = options
  }

  get records(): number {
    return this.#records
  }

  get chains(): readonly VerifiedChain[] {
    return Array.from(this.#chains.values(), ({ first, last }) => ({
      first,
      last,
      isFromStart: first.seq === 1,
    }))
  }

  /** Begins the next file, which goes on where the one before ended. */
  nextFile(): void {
    this.#line = 0
  }

  /** One line without its end; `isWhole` says whether it had one. Gives back the record, if it is one. */
  add(bytes: Buffer, isWhole = true): AuditLine | undefined {
    this.#line++
    const found = parseLine(bytes.toString('latin1'))
    if (found !== undefined) this.#addRecord(found)
    else if (!this.#options.isMixed) this.#addTorn(isWhole ? [bytes, NEWLINE] : [bytes])
    return found
  }

  /**
   * After the last line of a file. `true`: it ends with a line that is not whole, as after a crash or while a server
   * writes. With others to come that is a problem.
   */
  endFile(isLast: boolean): boolean {
    if (this.#torn.length === 0) return false
    const isUnfinished = isLast && this.#torn.length === 1
    if (!isUnfinished) this.#problem('is not a record', this.#tornFrom)
    this.#torn = []
    return isUnfinished
  }

  #addTorn(pieces: readonly Buffer[]): void {
    if (this.#torn.length === 0) this.#tornFrom = this.#line
    this.#torn.push(...pieces)
  }

  #addRecord(line: AuditLine): void {
    this.#records++
    this.#checkTorn(line)
    const known = this.#chains.get(line.chain)
    if (known === undefined) this.#begin(line)
    else {
      this.#follow(known.last, line)
      known.last = line
    }
  }

  #begin(line: AuditLine): void {
    if (this.#chains.size > 0 && !this.#options.isMixed) {
      this.#problem('begins another chain')
    }
    const { prev } = line.fields
    const isStart = line.fields.event === SEGMENT_EVENT && typeof prev === 'string'
    if (!isStart) this.#problem(`is record ${line.seq}; the records before it are missing`)
    else if ((line.seq === 1) !== (prev === NO_HASH))
      this.#problem('has another place than it says')
    else if (chainHash(prev, line.record) !== line.hash) this.#problem('was altered')
    this.#chains.set(line.chain, { first: line, last: line })
  }

  #follow(last: ChainHead, line: AuditLine): void {
    if (line.seq > last.seq + 1) {
      const [from, to] = [last.seq + 1, line.seq - 1]
      const missing = from === to ? `record ${from} is` : `records ${from} to ${to} are`
      this.#problem(`is record ${line.seq} and follows ${last.seq}: ${missing} missing here`)
    } else if (line.seq <= last.seq) {
      this.#problem(`is record ${line.seq}, but comes after record ${last.seq}`)
    } else if (chainHash(last.hash, line.record) !== line.hash) {
      this.#problem('was altered, or the hash of the one before was')
    }
  }

  /** Whoever opened a log after a crash has noted what was left unfinished, in the line that follows. */
  #checkTorn({ fields }: AuditLine): void {
    const { torn } = fields
    const bytes = Buffer.concat(this.#torn)
    const line = this.#tornFrom
    const wasTorn = this.#torn.length > 0
    this.#torn = []
    if (!isTorn(torn)) {
      if (wasTorn) this.#problem('is not a record', line)
      return
    }
    if (this.#options.isMixed) return
    // The end of the line was added afterwards, unless it was there.
    const isComplete = bytes.length === torn.bytes || bytes.length === torn.bytes + 1
    const hash = createHash('sha256').update(bytes.subarray(0, torn.bytes)).digest('hex')
    if (!isComplete || hash !== torn.sha256) {
      this.#problem('does not follow the unfinished line that it tells of')
    }
  }

  #problem(text: string, line = this.#line): void {
    this.#options.onProblem(text, line)
  }
}

function isTorn(torn: unknown): torn is { readonly bytes: number; readonly sha256: string } {
  if (typeof torn !== 'object' || torn === null) return false
  return 'bytes' in torn && typeof torn.bytes === 'number' && 'sha256' in torn
}
