import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  defaultChunkSize,
  GIB,
  type IndexRange,
  type Layout,
  type LayoutLimits,
  layoutOf,
  MIB,
  missingRanges,
  partOffset,
  partSize,
  S3_LIMITS,
  smallestChunkSize,
  TIB,
} from '../../../src/protocol/index.js'

const AWS: LayoutLimits = { ...S3_LIMITS, maxObjectSize: 50e12 }
const FEW_PARTS: LayoutLimits = { ...S3_LIMITS, maxParts: 1_000 }
/** Neither of MiB nor of anything else a multiple. */
const ODD: LayoutLimits = {
  maxParts: 777,
  minPartSize: 1_000_003,
  maxPartSize: 4_999_999,
  maxObjectSize: 3e9,
}
const BACKENDS = { S3: S3_LIMITS, AWS, 'a bucket of 1,000 parts': FEW_PARTS, 'an odd bucket': ODD }

const largestOf = (limits: LayoutLimits) =>
  Math.min(limits.maxObjectSize, limits.maxParts * limits.maxPartSize)

/** Of every order of magnitude alike, and close to multiples of a MiB, where boundaries are. */
function sizesUpTo(largest: number): fc.Arbitrary<number> {
  const clamp = (size: number) => Math.min(Math.max(1, Math.floor(size)), largest)
  return fc.oneof(
    fc.integer({ min: 1, max: largest }),
    fc.double({ min: 0, max: Math.log2(largest), noNaN: true }).map((bits) => clamp(2 ** bits)),
    fc
      .tuple(fc.nat(Math.floor(largest / MIB)), fc.integer({ min: -1, max: 1 }))
      .map(([mib, near]) => clamp(mib * MIB + near)),
  )
}

function expectTiling(layout: Layout, limits: LayoutLimits): void {
  const { size, chunkSize, totalChunks } = layout
  expect(BigInt(totalChunks)).toBe((BigInt(size) + BigInt(chunkSize) - 1n) / BigInt(chunkSize))
  expect(totalChunks).toBeLessThanOrEqual(limits.maxParts)
  let offset = 0
  for (let index = 1; index <= totalChunks; index++) {
    const bytes = partSize(layout, index)
    if (partOffset(layout, index) !== offset) expect(partOffset(layout, index)).toBe(offset)
    if (index < totalChunks && bytes !== chunkSize) expect(bytes).toBe(chunkSize)
    offset += bytes
  }
  const last = partSize(layout, totalChunks)
  expect(last).toBeGreaterThanOrEqual(1)
  expect(last).toBeLessThanOrEqual(Math.min(chunkSize, limits.maxPartSize))
  if (totalChunks > 1) expect(chunkSize).toBeGreaterThanOrEqual(limits.minPartSize)
  expect(offset).toBe(size)
}

describe.each(Object.entries(BACKENDS))('the layout for %s', (_, limits) => {
  const largest = largestOf(limits)
  const sizes = sizesUpTo(largest)
  const chunkSizes = fc.option(sizesUpTo(2 * limits.maxPartSize), { nil: undefined })

  it('covers every byte exactly once, with equal parts but for the last', () => {
    fc.assert(
      fc.property(sizes, chunkSizes, (size, chunkSize) => {
        const outcome = layoutOf(size, chunkSize, limits)
        fc.pre(outcome.kind === 'ok')
        if (chunkSize !== undefined) expect(outcome.layout.chunkSize).toBe(chunkSize)
        expectTiling(outcome.layout, limits)
      }),
    )
  })

  it('exists for every size that the bucket holds when no chunk size is asked for', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        expect(layoutOf(size, undefined, limits).kind).toBe('ok')
      }),
    )
  })

  it('accepts the smallest chunk size it names, and refuses one byte less', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const smallest = smallestChunkSize(size, limits)
        const refusal = { kind: 'chunk-too-small', minChunkSize: smallest }
        expect(layoutOf(size, smallest, limits).kind).toBe('ok')
        expect(layoutOf(size, smallest - 1, limits)).toEqual(refusal)
        expect(layoutOf(size, 0, limits)).toEqual(refusal)
      }),
    )
  })

  it('accepts the largest chunk size it names, and refuses one byte more', () => {
    fc.assert(
      fc.property(fc.integer({ min: limits.maxPartSize + 1, max: largest }), (size) => {
        expect(layoutOf(size, limits.maxPartSize, limits).kind).toBe('ok')
        expect(layoutOf(size, limits.maxPartSize + 1, limits)).toEqual({
          kind: 'chunk-too-large',
          maxChunkSize: limits.maxPartSize,
        })
      }),
    )
  })

  it('exists for the largest object, and not for one byte more', () => {
    expect(layoutOf(largest, undefined, limits).kind).toBe('ok')
    const refusal = { kind: 'too-large', maxSize: largest }
    expect(layoutOf(largest + 1, undefined, limits)).toEqual(refusal)
    expect(layoutOf(Number.MAX_SAFE_INTEGER, 5 * MIB, limits)).toEqual(refusal)
  })
})

describe('the layout at its boundaries', () => {
  it.each([
    ['one byte', 1, undefined, 1, 1],
    ['one byte less than a chunk', 8 * MIB - 1, undefined, 1, 8 * MIB - 1],
    ['exactly a chunk', 8 * MIB, undefined, 1, 8 * MIB],
    ['one byte more than a chunk', 8 * MIB + 1, undefined, 2, 1],
    ['exactly three chunks', 15 * MIB, 5 * MIB, 3, 5 * MIB],
    ['one byte more than three chunks', 15 * MIB + 1, 5 * MIB, 4, 1],
    ['one byte less than the smallest part', 5 * MIB - 1, 5 * MIB, 1, 5 * MIB - 1],
    ['one byte more than the smallest part', 5 * MIB + 1, 5 * MIB, 2, 1],
    ['10,000 parts', 50_000 * MIB, 5 * MIB, 10_000, 5 * MIB],
    ['a chunk larger than the file', 3, 100 * GIB, 1, 3],
    ['the largest object', 5 * TIB, undefined, 9_987, 5 * TIB - 9_986 * 525 * MIB],
  ])('of %s', (_, size, chunkSize, totalChunks, last) => {
    const outcome = layoutOf(size, chunkSize)
    if (outcome.kind !== 'ok') throw new Error(outcome.kind)
    expect(outcome.layout.totalChunks).toBe(totalChunks)
    expect(partSize(outcome.layout, totalChunks)).toBe(last)
    expectTiling(outcome.layout, S3_LIMITS)
  })

  it('names the chunk size with which one byte more than 10,000 parts fits', () => {
    const size = 50_000 * MIB + 1
    const refusal = { kind: 'chunk-too-small', minChunkSize: 5 * MIB + 1 }
    expect(layoutOf(size, 5 * MIB)).toEqual(refusal)
    expect(layoutOf(size, 5 * MIB + 1)).toMatchObject({ layout: { totalChunks: 10_000 } })
  })

  it('never asks for more than the whole file as a chunk', () => {
    expect(layoutOf(100, 99)).toEqual({ kind: 'chunk-too-small', minChunkSize: 100 })
    expect(layoutOf(100, 100)).toMatchObject({ layout: { totalChunks: 1 } })
  })
})

describe('the default chunk size', () => {
  // Part of an upload's identity: uploads in flight break when one of these lines changes.
  it.each([
    [1, 8 * MIB],
    [8 * MIB, 8 * MIB],
    [8 * MIB + 1, 8 * MIB],
    [GIB, 8 * MIB],
    [80_000 * MIB, 8 * MIB],
    [80_000 * MIB + 1, 9 * MIB],
    [90_000 * MIB, 9 * MIB],
    [90_000 * MIB + 1, 10 * MIB],
    [100 * GIB, 11 * MIB],
    [TIB, 105 * MIB],
    [5 * TIB, 525 * MIB],
    [50e12, 4_769 * MIB],
  ])('of %d bytes is %d for ever', (size, chunkSize) => {
    expect(defaultChunkSize(size)).toBe(chunkSize)
    expect(layoutOf(size, undefined, AWS)).toMatchObject({ layout: { chunkSize } })
  })

  it('never falls as the size grows, and is a whole number of MiB', () => {
    const sizes = sizesUpTo(AWS.maxObjectSize)
    fc.assert(
      fc.property(sizes, sizes, (a, b) => {
        const [less, more] = [defaultChunkSize(Math.min(a, b)), defaultChunkSize(Math.max(a, b))]
        expect(less).toBeLessThanOrEqual(more)
        expect(less % MIB).toBe(0)
      }),
    )
  })
})

describe('the missing ranges', () => {
  const expand = ([first, last]: IndexRange) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i)

  it('are exactly the indexes that are not there, in as few runs as possible', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (there) => {
        const ranges = missingRanges(there.length, (index) => there[index - 1] === true)
        const missing = there.flatMap((is, i) => (is ? [] : [i + 1]))
        expect(ranges.flatMap(expand)).toEqual(missing)
        const runs = missing.filter((index) => !missing.includes(index - 1)).length
        expect(ranges).toHaveLength(runs)
      }),
    )
  })

  it.each([
    { lacks: 'nothing', missing: [], ranges: [] },
    { lacks: 'everything', missing: [1, 2, 3, 4, 5], ranges: [[1, 5]] },
    {
      lacks: 'both ends',
      missing: [1, 5],
      ranges: [
        [1, 1],
        [5, 5],
      ],
    },
    { lacks: 'the middle', missing: [3, 4], ranges: [[3, 4]] },
  ])('of a file that lacks $lacks', ({ missing, ranges }) => {
    const lacking = new Set<number>(missing)
    expect(missingRanges(5, (index) => !lacking.has(index))).toEqual(ranges)
  })
})
