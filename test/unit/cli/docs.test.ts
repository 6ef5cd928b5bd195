import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { EXIT_CODES, exitCodeOf, worstOf } from '../../../src/cli/exit-codes.js'
import { createProgram } from '../../../src/cli/run-cli.js'
import { CLIENT_ERROR_CODES, PartwayError } from '../../../src/client/partway-error.js'
import { FakeIo } from './support/fake-io.js'

const docs = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
const program = createProgram(new FakeIo(), () => {})

/** The text below the heading of a command, up to the next heading. */
function sectionOf(heading: string): string {
  const [, section = ''] = docs.split(`\n## ${heading}\n`)
  return section.split('\n## ')[0] ?? ''
}

function optionsOf(command: Command): string[] {
  const withParts = [command, ...command.commands]
  return withParts.flatMap(({ options }) => options.map(({ flags }) => flags)).sort()
}

describe('docs/cli.md', () => {
  it('has exactly the exit codes of the program', () => {
    const rows = [...sectionOf('Exit codes').matchAll(/^\| (\d+) \| (.+) \|$/gm)]
    expect(rows.map(([, code, meaning]) => ({ code: Number(code), meaning }))).toEqual(EXIT_CODES)
  })

  it.each(program.commands.map((command) => [command.name(), command] as const))(
    'has exactly the options of %s',
    (name, command) => {
      const documented = [...sectionOf(`partway ${name}`).matchAll(/^\| `(--[^`]+)` \|/gm)]
      expect(documented.map(([, flags]) => flags).sort()).toEqual(optionsOf(command))
    },
  )
})

describe('exit codes', () => {
  it.each([
    ['INVALID_OPTION', undefined, 2],
    ['FILE_TOO_LARGE', 413, 3],
    ['QUOTA_EXCEEDED', 413, 3],
    ['LIMIT_REACHED', 429, 3],
    ['BUCKET_REFUSED', undefined, 3],
    ['INVENTED_LATER', 409, 3],
    ['TOO_MANY_REQUESTS', 429, 4],
    ['STORE_UNAVAILABLE', 503, 4],
    ['SERVER_UNREACHABLE', undefined, 4],
    ['FILE_CHANGED', undefined, 5],
    ['CHECKSUM_MISMATCH', 422, 6],
    ['UNEXPECTED_REPLY', 200, 1],
  ] as const)('%s (%s) is %i', (code, status, exitCode) => {
    const error = new PartwayError(code, 'x', status === undefined ? {} : { status })
    expect(exitCodeOf(error)).toBe(exitCode)
  })

  it('of every error of the client is one of the table', () => {
    const codes = new Set<number>(EXIT_CODES.map(({ code }) => code))
    for (const code of CLIENT_ERROR_CODES) {
      expect(codes).toContain(exitCodeOf(new PartwayError(code, 'x')))
    }
  })

  it('of several files is the highest', () => {
    expect(worstOf([])).toBe(0)
    expect(worstOf([0, 5, 3, 0])).toBe(5)
  })

  it('of what nobody expected is 1', () => {
    expect(exitCodeOf(new TypeError('bug'))).toBe(1)
  })
})
