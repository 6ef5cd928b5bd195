/** Durations as people write them. */

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `90s`, `15m`, `1h30m`, `7d` in milliseconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d{1,9}(ms|s|m|h|d))+$/.test(text)) return undefined
  const terms = text.matchAll(/(\d+)(ms|s|m|h|d)/g)
  return [...terms].reduce(
    (sum, [, n, unit]) => sum + Number(n) * (MS_PER_UNIT[unit ?? ''] ?? 0),
    0,
  )
}
