import type { Attempt } from './discover.js'

/** Something that tests need and that could not be had. */
export interface Missing {
  readonly title: string
  readonly attempts: readonly Attempt[]
  /** What a person can do about it. */
  readonly advice: string
}

/** What a person sees when something is missing: each of them, and why every way of having it failed. */
export function missingNotice(missing: readonly Missing[]): string {
  const lines = missing.flatMap(({ title, attempts, advice }) => [
    `NO ${title.toUpperCase()}: the tests that need it do not run.`,
    ...attempts.flatMap(({ way, reason }) => `- ${way}: ${reason}`.split('\n').slice(0, 6)),
    `${advice}, or see CONTRIBUTING.md.`,
    '',
  ])
  return boxed(lines.slice(0, -1))
}

function boxed(lines: readonly string[]): string {
  const width = Math.max(...lines.map((line) => line.length))
  const edge = `+${'-'.repeat(width + 2)}+`
  return [edge, ...lines.map((line) => `| ${line.padEnd(width)} |`), edge].join('\n')
}
