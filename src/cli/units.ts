/** Sizes and times as people read and write them. Sizes in bytes, times in seconds. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function formatBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(1, bytes)) / 10), UNITS.length - 1)
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`
}

/** `42 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
}

function two(count: number): string {
  return String(count).padStart(2, '0')
}

const FACTORS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
}

/** `16MiB`, `10MB`, `1.5GiB` or a bare number of bytes; `undefined` for anything else. */
export function parseBytes(text: string): number | undefined {
  const [, digits, unit = 'b'] = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmg]?i?b)?$/i.exec(text) ?? []
  const factor = FACTORS[unit.toLowerCase()]
  if (digits === undefined || factor === undefined) return undefined
  const bytes = Number(digits) * factor
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
