import { createHash, randomBytes } from 'node:crypto'
import { ownerProblem } from '../../coordinator/owner.js'

/** What a line of the file of tokens says: who has the token of which this is the SHA-256. */
export interface TokenLine {
  readonly owner: string
  readonly hash: Buffer
}

export interface TokenLines {
  /** By the hexadecimal SHA-256 of the token. */
  readonly tokens: ReadonlyMap<string, TokenLine>
  /** One sentence for each line that is not valid, by its number and without its text. */
  readonly problems: readonly string[]
}

const LINE = /^(.+):sha256:([0-9a-f]{64})$/i

/** Reads lines of `owner:sha256:<hex>`. Empty ones, and those that begin with `#`, say nothing. */
export function parseTokenLines(text: string): TokenLines {
  const tokens = new Map<string, TokenLine>()
  const problems: string[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, owner = '', hex = ''] = LINE.exec(line) ?? []
    const hash = hex.toLowerCase()
    const problem = problemOf(owner, tokens.has(hash))
    if (problem === undefined) tokens.set(hash, { owner, hash: Buffer.from(hash, 'hex') })
    else problems.push(`line ${index + 1} ${problem}`)
  }
  return { tokens, problems }
}

function problemOf(owner: string, isRepeated: boolean): string | undefined {
  if (owner === '') return 'is not owner:sha256:<64 hexadecimal digits>'
  const rule = ownerRule(owner)
  if (rule !== undefined) return `has an owner that ${rule}`
  return isRepeated ? 'repeats the token of an earlier line' : undefined
}

/** What is wrong with the name of an owner in a line, as the end of a sentence. */
export function ownerRule(owner: string): string | undefined {
  if (owner.trim() !== owner) return 'must have no spaces around it'
  return owner.startsWith('#') ? 'must not begin with "#"' : ownerProblem(owner)
}

export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest()
}

/** A token of 256 random bits, so that its plain hash gives nothing away, and the line that admits it. */
export function newToken(owner: string): { readonly token: string; readonly line: string } {
  const token = randomBytes(32).toString('base64url')
  return { token, line: `${owner}:sha256:${hashOfToken(token).toString('hex')}` }
}
