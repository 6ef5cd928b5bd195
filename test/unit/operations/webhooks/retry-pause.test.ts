import { describe, expect, it } from 'vitest'
import { retryPause } from '../../../../src/operations/webhooks/retry-pause.js'

const HOUR = 3_600_000

describe('the pause before another attempt', () => {
  it('grows from seconds to a day, and ends after ten attempts', () => {
    const pauses = Array.from({ length: 10 }, (_, i) => retryPause(i + 1, { random: 0.5 }))
    expect(pauses[0]).toBe(5_000)
    expect(pauses[8]).toBe(24 * HOUR)
    expect(pauses[9]).toBeUndefined()
    const waits = pauses.slice(0, 9).map((pause) => pause ?? 0)
    expect(waits).toEqual([...waits].sort((a, b) => a - b))
    const days = waits.reduce((sum, pause) => sum + pause, 0) / (24 * HOUR)
    expect(days).toBeGreaterThan(3)
    expect(days).toBeLessThan(4)
  })

  it('is a fifth shorter or longer by chance', () => {
    expect(retryPause(2, { random: 0 })).toBe(240_000)
    expect(retryPause(2, { random: 1 })).toBe(360_000)
  })

  it('is longer where the receiver asks for it, but no longer than a day and never shorter', () => {
    const asked = (retryAfterMs: number) => retryPause(1, { random: 0.5, retryAfterMs })
    expect(asked(60_000)).toBe(60_000)
    expect(asked(1)).toBe(5_000)
    expect(asked(365 * 24 * HOUR)).toBe(24 * HOUR)
  })
})
