import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { VARIABLES, type Variable } from '../../../src/server/variables.js'

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')

it('docs/configuration.md lists every variable with its default and its meaning', () => {
  const rows = [...page.matchAll(/^\| `(PARTWAY_\w+)` \| (.*?) ?\| (.+) \|$/gm)]
  const documented = rows.map(([, name, value, meaning]) => ({ name, value, meaning }))
  const known = VARIABLES.map((variable: Variable) => ({
    name: variable.name,
    value: variable.required ? 'required' : variable.default && `\`${variable.default}\``,
    meaning: variable.meaning,
  }))
  expect(documented).toEqual(known)
})

it('docs/configuration.md names no variable that does not exist', () => {
  const known = VARIABLES.map((variable: Variable) => variable.name)
  for (const [name] of page.matchAll(/PARTWAY_[A-Z0-9_]+\b/g)) expect(known).toContain(name)
})
