/** Durations and sizes as people write them. */

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
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

/** `16MiB`, `10MB`, `1.5GiB` or a bare number of bytes, in bytes; `undefined` for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]?i?b)?$/i.exec(text)
  const factor = BYTES_PER_UNIT[(match?.[2] ?? 'b').toLowerCase()]
  if (match?.[1] === undefined || factor === undefined) return undefined
  const bytes = Number(match[1]) * factor
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
