import { createHash } from 'node:crypto'

/** The last record of a chain, to which the next one is tied. */
export interface ChainHead {
  /** The chain's own random name, the same in all of its records. */
  readonly chain: string
  /** Counts the records of the chain, from 1. */
  readonly seq: number
  /** SHA-256 in hex. */
  readonly hash: string
}

/** What a record says besides its place in the chain. Texts, numbers and flat objects of them. */
export type AuditFields = Readonly<Record<string, unknown>> & { readonly event: string }

export interface AuditLine extends ChainHead {
  /** What the hash is made of, together with the hash before: the line without its hash. */
  readonly record: string
  readonly fields: AuditFields
}

/** What the first record of a chain is tied to. */
export const NO_HASH = '0'.repeat(64)

export const SEGMENT_EVENT = 'audit.opened'

/**
 * `h_i = SHA-256(h_{i-1} ‖ record)`: of the 64 hexadecimal digits of the hash before, followed by the line as it is
 * written but for its own `hash`.
 */
export function chainHash(before: string, record: string): string {
  return createHash('sha256').update(before).update(record).digest('hex')
}

/** The next line of a chain, with its end of line. Of ASCII alone, so that a line cut anywhere is still text. */
export function nextLine(
  before: ChainHead,
  fields: AuditFields,
): { readonly head: ChainHead; readonly text: string } {
  const { chain } = before
  const seq = before.seq + 1
  const record = ascii(JSON.stringify({ audit: chain, seq, ...fields }))
  const hash = chainHash(before.hash, record)
  return { head: { chain, seq, hash }, text: `${record.slice(0, -1)},"hash":"${hash}"}\n` }
}

const LINE = /^(\{"audit":".*),"hash":"([0-9a-f]{64})"\}$/

/** `undefined` for what is not a whole line of an audit log. Whether its hash is right, is not looked at. */
export function parseLine(line: string): AuditLine | undefined {
  const [, start, hash] = LINE.exec(line) ?? []
  if (start === undefined || hash === undefined) return undefined
  const record = `${start}}`
  const parsed = parseObject(record)
  if (parsed === undefined) return undefined
  const { audit: chain, seq, ...fields } = parsed
  const { event } = fields
  if (typeof chain !== 'string' || typeof event !== 'string') return undefined
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined
  return { chain, seq, hash, record, fields: { ...fields, event } }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function ascii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
