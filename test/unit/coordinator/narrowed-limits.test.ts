import fc from 'fast-check'
import { expect, it } from 'vitest'
import { admit } from '../../../src/coordinator/admission.js'
import type { Limits } from '../../../src/coordinator/limits.js'
import { narrowed } from '../../../src/coordinator/narrowed-limits.js'

it('allows of numbers the lesser, and of the least part the greater', () => {
  const one = { maxFileSize: 5, minPartSize: 1, maxUploadsPerDay: 3, maxStoredBytes: 0 }
  const other = { maxFileSize: 7, minPartSize: 2, maxUploadsPerDay: 2, maxReservedBytes: 9 }
  const both = {
    maxFileSize: 5,
    minPartSize: 2,
    maxUploadsPerDay: 2,
    maxStoredBytes: 0,
    maxReservedBytes: 9,
  }
  expect(narrowed(one, other)).toEqual(both)
  expect(narrowed(other, one)).toEqual(both)
  expect(narrowed(one, {})).toEqual(one)
})

const types = fc.array(
  fc.constantFrom('*/*', 'image/*', 'image/png', 'Image/JPEG', 'video/*', 'video/mp4', 'a/b'),
  { maxLength: 4 },
)
const extensions = fc.array(fc.constantFrom('*', 'gz', 'tar.gz', 'GZ', 'png', 'a.png'), {
  maxLength: 4,
})
const limits = fc.record(
  { allowedTypes: types, allowedExtensions: extensions },
  { requiredKeys: [] },
)
const files = fc.record({
  filename: fc.constantFrom('x', 'x.gz', 'x.tar.gz', 'x.png', 'x.a.png', 'targz'),
  contentType: fc.constantFrom('image/png', 'image/jpeg', 'video/mp4', 'video/webm', 'a/b', 'c/d'),
  size: fc.constant(1),
})

it('allows the files that both allow, and no others', () => {
  const allows = (by: Limits, file: { filename: string; contentType: string; size: number }) => {
    try {
      admit(by, file)
      return true
    } catch {
      return false
    }
  }
  fc.assert(
    fc.property(limits, limits, files, (one, other, file) => {
      expect(allows(narrowed(one, other), file)).toBe(allows(one, file) && allows(other, file))
    }),
  )
})
