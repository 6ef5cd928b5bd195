const FACTORS: Readonly<Record<string, number>> = {
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

/**
 * A size as people write it: `16MiB`, `10MB`, `1.5GiB` or a bare number of bytes. In bytes; `undefined`
 * for anything else, and for what is no whole number of bytes.
 */
export function parseByteSize(text: string): number | undefined {
  const [, digits, unit = 'b'] = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]?i?b)?$/i.exec(text) ?? []
  const factor = FACTORS[unit.toLowerCase()]
  if (digits === undefined || factor === undefined) return undefined
  const bytes = Number(digits) * factor
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
