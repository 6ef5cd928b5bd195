/** One series of `/metrics`. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads https://prometheus.io/docs/instrumenting/exposition_formats/; fails on a line that is not of it. */
export function parseSamples(text: string): Sample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, name, labels = '', value] = /^([a-z_:]\w*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? []
    if (name === undefined) throw new Error(`not a sample: ${line}`)
    return { name, labels: pairsOf(labels), value: Number(value) }
  })
}

/** The value of the one sample that has these labels. */
export function sampleValue(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = samples.filter(
    (sample) => sample.name === name && JSON.stringify(sample.labels) === JSON.stringify(labels),
  )
  if (found.length !== 1) throw new Error(`${found.length} samples of ${name}`)
  return found[0]?.value ?? Number.NaN
}

export interface Selector {
  readonly name: string
  readonly matchers: readonly {
    readonly label: string
    readonly op: string
    readonly value: string
  }[]
}

const WORDS = new Set(
  'sum rate increase histogram_quantile abs by and or unless le __rate_interval __range m h s'.split(
    ' ',
  ),
)

/** What a query of PromQL asks for. Throws when it has a word that is neither known nor a name of ours. */
export function selectorsOf(query: string): Selector[] {
  const selectors: Selector[] = []
  const rest = query.replace(
    /\b((?:partway|nodejs|process)_\w+)(?:\{([^}]*)\})?/g,
    (_, name: string, matchers = '') => {
      const found = [...String(matchers).matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)]
      selectors.push({
        name,
        matchers: found.map(([, label = '', op = '', value = '']) => ({ label, op, value })),
      })
      return ''
    },
  )
  const grouped = rest.replace(/\bby \([^)]*\)/g, '')
  for (const [word] of grouped.matchAll(/[a-z_]\w*/gi)) {
    if (!WORDS.has(word)) throw new Error(`${word} in ${query}`)
  }
  if (selectors.length === 0) throw new Error(`no series in ${query}`)
  return selectors
}

/** The labels that a query groups by. */
export function groupingsOf(query: string): string[] {
  const lists = [...query.matchAll(/\bby \(([^)]*)\)/g)].map(([, list = '']) => list.split(','))
  return lists.flat().map((label) => label.trim())
}

export function selects({ name, matchers }: Selector, sample: Sample): boolean {
  if (sample.name !== name) return false
  return matchers.every(({ label, op, value }) => {
    const actual = sample.labels[label] ?? ''
    const is = op.endsWith('~') ? new RegExp(`^(?:${value})$`).test(actual) : actual === value
    return op.startsWith('!') ? !is : is
  })
}

function pairsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [label, value]),
  )
}
