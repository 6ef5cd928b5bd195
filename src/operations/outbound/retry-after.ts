/** `Retry-After`: seconds or a date (RFC 9110 section 10.2.3), in ms from now. `undefined` for anything else. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1_000
  // Every form of the standard has a letter; `Date.parse` takes numbers for years.
  const date = /[A-Z]/.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
