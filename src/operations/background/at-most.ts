import { setTimeout as delay } from 'node:timers/promises'

/** Waits for it, and no longer than that. Gives whether it is over; a rejection is an end as well. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<boolean> {
  const limit = new AbortController()
  const over = work.then(
    () => true,
    () => true,
  )
  const late = delay(ms, false, { signal: limit.signal }).catch(() => false)
  const isOver = await Promise.race([over, late])
  limit.abort()
  return isOver
}
