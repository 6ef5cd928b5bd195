const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `12.3 MiB` */
export function bytes(count: number): string {
  let unit = 0
  let rest = count
  for (; rest >= 1024 && unit < UNITS.length - 1; unit++) rest /= 1024
  return `${unit === 0 ? rest.toFixed(0) : rest.toFixed(1)} ${UNITS[unit]}`
}

/** `1 h 20 min`, `3 min`, `12 s` */
export function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60)
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (minutes < 90) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
