import { createReadStream } from 'node:fs'
import { AuditVerifier, type VerifiedChain } from '../../operations/audit/audit-verifier.js'
import type { ReadLine } from './read-lines.js'
import { readLines } from './read-lines.js'

export interface VerifyFilesOptions {
  /** @default false */
  readonly isMixed?: boolean
  /** A hash that was noted elsewhere. */
  readonly contains?: string
}

export interface AuditReport {
  /** Each with its file and, where it has one, its line. */
  readonly problems: readonly string[]
  readonly records: number
  readonly chains: readonly VerifiedChain[]
  /** The last file ends in the middle of a line. */
  readonly isUnfinished: boolean
}

/** Of a log that is broken everywhere, the first places are enough. */
const MAX_PROBLEMS = 100

/** Checks the files of one audit log, oldest first. Rejects when one cannot be read. */
export async function verifyFiles(
  paths: readonly string[],
  { isMixed = false, contains }: VerifyFilesOptions = {},
): Promise<AuditReport> {
  const problems: string[] = []
  let path = ''
  const verifier = new AuditVerifier({
    isMixed,
    onProblem: (problem, line) => problems.push(`${path}:${line}: ${problem}`),
  })
  let isFound = contains === undefined
  let isUnfinished = false
  for (const [index, name] of paths.entries()) {
    path = name
    verifier.nextFile()
    for await (const { bytes, isWhole } of linesOf(name)) {
      const record = verifier.add(bytes, isWhole)
      isFound ||= record?.hash === contains
      if (problems.length >= MAX_PROBLEMS) break
    }
    isUnfinished = verifier.endFile(index === paths.length - 1)
  }
  if (!isFound) problems.push(`No record has the hash ${contains}`)
  const { records, chains } = verifier
  if (records === 0) problems.push('There is no record')
  return { problems, records, chains, isUnfinished }
}

function linesOf(path: string): AsyncIterable<ReadLine> {
  return readLines(createReadStream(path))
}
