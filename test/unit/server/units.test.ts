import { expect, it } from 'vitest'
import { parseDuration } from '../../../src/server/units.js'

it.each([
  ['90s', 90_000],
  ['15m', 900_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['250ms', 250],
])('reads the duration %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

it.each(['', '15', 'm', '15 m', '-1s', '1.5h', '15min', '1e3s'])(
  'does not take %j for a duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined()
  },
)
