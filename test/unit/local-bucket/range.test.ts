import { describe, expect, it } from 'vitest'
import { parseRange } from '../../../src/local-bucket/range.js'

describe('a range of ten bytes', () => {
  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=2-5', 2, 5],
    ['bytes=2-', 2, 9],
    ['bytes=2-100', 2, 9],
    ['bytes=-3', 7, 9],
    ['bytes=-100', 0, 9],
  ])('%s is from %d to %d', (header, start, end) => {
    expect(parseRange(header, 10)).toEqual({ start, end })
  })

  it.each([undefined, '', 'bytes=-', 'bytes=5-2', 'bytes=0-1,3-4', 'lines=0-1'])(
    '%s is all of them',
    (header) => {
      expect(parseRange(header, 10)).toBeUndefined()
    },
  )

  it.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])('%s is not satisfiable', (header) => {
    expect(() => parseRange(header, 10)).toThrow(/not satisfiable/)
  })

  it.each(['bytes=0-', 'bytes=-1'])('%s of nothing is not satisfiable', (header) => {
    expect(() => parseRange(header, 0)).toThrow(/not satisfiable/)
  })
})
