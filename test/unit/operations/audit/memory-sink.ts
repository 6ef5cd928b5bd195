import { createHash } from 'node:crypto'
import { parseLine } from '../../../../src/operations/audit/audit-line.js'
import { AuditVerifier } from '../../../../src/operations/audit/audit-verifier.js'
import type { AuditSink, AuditTail } from '../../../../src/operations/index.js'

/** What may become of an `append`: how much of the text is written, and whether that is then said to have failed. */
export type Fate = { readonly share: number; readonly fails: boolean }

export const FINE: Fate = { share: 1, fails: false }

/** A place for lines that fails as it is told to, and keeps what was written of them as a file would. */
export class MemorySink implements AuditSink {
  text = ''
  fates: Fate[] = []
  appends = 0

  async open(): Promise<AuditTail> {
    const lines = this.text.split('\n')
    for (let last = lines.length - 1; last >= 0; last--) {
      const found = parseLine(lines[last] ?? '')
      if (found === undefined) continue
      if (last === lines.length - 1) return { head: found, isMidLine: true }
      const rest = lines.slice(last + 1).join('\n')
      return rest === '' ? { head: found } : { head: found, ...tornOf(rest) }
    }
    return this.text === '' ? {} : tornOf(this.text)
  }

  async append(text: string): Promise<void> {
    this.appends++
    const { share, fails } = this.fates.shift() ?? FINE
    await new Promise((resolve) => setImmediate(resolve))
    this.text += text.slice(0, Math.floor(text.length * share))
    if (fails) throw new Error('no space left on device')
  }

  async close(): Promise<void> {}

  records(): Record<string, unknown>[] {
    return this.text.split('\n').flatMap((line) => {
      const found = parseLine(line)
      return found === undefined ? [] : [{ seq: found.seq, ...found.fields }]
    })
  }
}

function tornOf(rest: string): AuditTail {
  return {
    torn: { bytes: rest.length, sha256: createHash('sha256').update(rest).digest('hex') },
    ...(rest.endsWith('\n') ? {} : { isMidLine: true }),
  }
}

/** What is found in a whole log, as `line: problem`. */
export function problemsIn(text: string, { isMixed = false } = {}): string[] {
  const problems: string[] = []
  const onProblem = (problem: string, line: number) => problems.push(`${line}: ${problem}`)
  const verifier = new AuditVerifier({ isMixed, onProblem })
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  for (const line of lines) verifier.add(Buffer.from(line, 'latin1'))
  if (last !== '') verifier.add(Buffer.from(last, 'latin1'), false)
  verifier.endFile(true)
  return problems
}
