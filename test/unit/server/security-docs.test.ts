import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/security.md', root), 'utf8')

/** The names of tests in the table, each with the file that was named last before it. */
function namedTests(): { file: string; name: string }[] {
  let file = ''
  const found: { file: string; name: string }[] = []
  for (const [, path, name] of page.matchAll(/`(test\/[^`]+)`|“([^”]+)”/g)) {
    if (path !== undefined) file = path
    else if (name !== undefined) found.push({ file, name })
  }
  return found
}

it.each(namedTests())('docs/security.md names a test of $file: $name', ({ file, name }) => {
  expect(readFileSync(new URL(file, root), 'utf8')).toContain(name)
})

it('docs/security.md names a test for each threat', () => {
  const rows = [...page.matchAll(/^\| (S\d+) \|.+$/gm)]
  expect(rows.length).toBeGreaterThan(0)
  for (const [row, threat] of rows) expect(row, threat).toMatch(/`test\/[^`]+` “/)
})

it('docs/security.md leaves no threat out', () => {
  const named = new Set([...page.matchAll(/^(?:\| |- \*\*)(S\d+)/gm)].map(([, threat]) => threat))
  expect([...named].sort()).toEqual(Array.from({ length: 34 }, (_, i) => `S${i + 1}`).sort())
})
