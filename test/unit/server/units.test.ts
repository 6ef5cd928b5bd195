import { expect, it } from 'vitest'
import { parseDuration, parseSize } from '../../../src/server/units.js'

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

it.each([
  ['16MiB', 16_777_216],
  ['10MB', 10_000_000],
  ['5TiB', 5_497_558_138_880],
  ['1.5 GiB', 1_610_612_736],
  ['64kb', 64_000],
  ['1048576', 1_048_576],
  ['1B', 1],
])('reads the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

it.each(['', 'MiB', '16M', '-1MB', '0.3B', '1e6', '9999999TiB', '10 M B'])(
  'does not take %j for a size',
  (text) => {
    expect(parseSize(text)).toBeUndefined()
  },
)
