import type { Environment } from './settings-reader.js'
import { VARIABLES } from './variables.js'

/** How many letters may be wrong for a name to be taken for a misspelt one. */
const MAX_DISTANCE = 3

/** A warning for each `PARTWAY_*` variable that means nothing, with the name that may have been meant. */
export function unknownVariables(env: Environment): string[] {
  const known = VARIABLES.map(({ name }): string => name)
  return Object.keys(env)
    .filter((name) => name.startsWith('PARTWAY_') && !known.includes(name))
    .map((name) => {
      const near = nearest(name, known)
      return `${name} is not known${near === undefined ? '' : `; is ${near} meant?`}`
    })
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= MAX_DISTANCE ? best.candidate : undefined
}

/** Levenshtein's: letters to insert, remove or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
