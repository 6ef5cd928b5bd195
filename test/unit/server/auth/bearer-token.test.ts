import { expect, it } from 'vitest'
import { bearerToken, MAX_TOKEN_BYTES } from '../../../../src/server/auth/bearer-token.js'

it.each([
  ['Bearer abc', 'abc'],
  ['bearer abc', 'abc'],
  ['Bearer   a.b-c_d~e+f/g==', 'a.b-c_d~e+f/g=='],
  [`Bearer ${'x'.repeat(MAX_TOKEN_BYTES)}`, 'x'.repeat(MAX_TOKEN_BYTES)],
])('%s holds a token', (header, token) => {
  expect(bearerToken(header)).toBe(token)
})

it.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  'Bearerabc',
  'Basic abc',
  'Bearer a b',
  'Bearer a, Bearer b',
  'Bearer a=b',
  'Bearer ü',
  ' Bearer a',
  `Bearer ${'x'.repeat(MAX_TOKEN_BYTES + 1)}`,
])('%j holds none', (header) => {
  expect(bearerToken(header)).toBeUndefined()
})
