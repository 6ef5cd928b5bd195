import { describe, expect, it } from 'vitest'
import { backoffMs, DEFAULT_RETRY, nextDelayMs, retryAfterMs } from '../../src/client/retry.js'

describe('the wait before a retry', () => {
  it('is anything from nothing to a limit that doubles from 300 ms to 10 s', () => {
    const longest = [1, 2, 3, 6, 7, 60].map((n) => backoffMs(DEFAULT_RETRY, n, () => 1))
    expect(longest).toEqual([300, 600, 1_200, 9_600, 10_000, 10_000])
    expect(backoffMs(DEFAULT_RETRY, 60, () => 0)).toBe(0)
  })

  it('comes on top of what the server asks for', () => {
    const failure = { failures: 2, retryAfterMs: 1_000 }
    expect(nextDelayMs(DEFAULT_RETRY, failure, () => 0.5)).toBe(1_300)
  })

  it('ends with the last try, or when the server asks for too long a pause', () => {
    const noPause = { failures: 8, retryAfterMs: undefined }
    expect(nextDelayMs(DEFAULT_RETRY, noPause, Math.random)).toBeUndefined()
    const longPause = { failures: 1, retryAfterMs: 120_001 }
    expect(nextDelayMs(DEFAULT_RETRY, longPause, Math.random)).toBeUndefined()
  })
})

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1)
  it.each([
    [undefined, undefined],
    ['0', 0],
    ['120', 120_000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['soon', undefined],
  ])('%s is %s ms', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms)
  })
})
