import { expect, it } from 'vitest'
import { parseByteSize } from '../../../src/protocol/index.js'

it.each([
  ['16MiB', 16_777_216],
  ['10MB', 10_000_000],
  ['5TiB', 5_497_558_138_880],
  ['1.5 GiB', 1_610_612_736],
  ['64kb', 64_000],
  ['1048576', 1_048_576],
  ['1B', 1],
  ['16 mib', 16_777_216],
])('reads the size %s', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes)
})

it.each(['', 'MiB', '16M', '-1MB', '0.3B', '1e6', '0.3', '9999999TiB', '10 M B'])(
  'does not take %j for a size',
  (text) => {
    expect(parseByteSize(text)).toBeUndefined()
  },
)
