import type { OverBudget, Signing } from '../coordinator/ports.js'
import { dayOf } from '../coordinator/usage.js'

/** What a record knows of the URLs that were signed for it, on the latest day on which any was. */
export interface SignedUrls {
  readonly urls?: number | null | undefined
  readonly urlsDay?: number | null | undefined
}

export interface SpentUrls {
  readonly kind: 'spent'
  readonly urls: number
  readonly urlsDay: number
}

/** The record after `signing`, or how much has been spent already. */
export function spend(
  record: SignedUrls,
  { urls, perPart, spare }: Signing,
  { totalChunks, now }: { readonly totalChunks: number; readonly now: number },
): SpentUrls | ({ readonly kind: 'over-budget' } & OverBudget) {
  const urlsDay = Math.max(dayOf(now), record.urlsDay ?? 0)
  const used = record.urlsDay === urlsDay ? (record.urls ?? 0) : 0
  const max = perPart * totalChunks + spare
  if (urls > 0 && used + urls > max) return { kind: 'over-budget', used, max }
  return { kind: 'spent', urls: used + urls, urlsDay }
}
