import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { SERIES } from '../../../src/operations/metrics/series.js'

const root = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/operations.md', root), 'utf8')
const rules = parse(readFileSync(new URL('infra/grafana/alerts.yml', root), 'utf8'))

const found = (pattern: RegExp) => [...new Set([...page.matchAll(pattern)].map(([, name]) => name))]

it('docs/operations.md says of every series what it means, and of no other', () => {
  expect(found(/`(partway_\w+)`/g).sort()).toEqual(Object.keys(SERIES).sort())
})

it('docs/operations.md lists the labels of every series', () => {
  for (const [name, series] of Object.entries(SERIES)) {
    const row = page
      .split('\n')
      .find((line) => line.startsWith('|') && line.includes(`\`${name}\``))
    const labels = 'labels' in series ? Object.keys(series.labels) : []
    const written = row?.split('|')[2]?.match(/\w+/g) ?? []
    expect(written, name).toEqual(labels)
  }
})

it('docs/operations.md says of every alert what to do, and of no other', () => {
  const alerts: string[] = rules.groups.flatMap(({ rules: of }: { rules: { alert: string }[] }) =>
    of.map(({ alert }) => alert),
  )
  expect(found(/^\*\*(Partway\w+)\*\*: /gm)).toEqual(alerts)
})
