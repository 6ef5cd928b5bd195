import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor, listEntry } from '../../../src/sessions/list-position.js'

const position = fc.record({
  createdAt: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  id: fc.string({ minLength: 1 }),
})

describe('the place in a list', () => {
  it('comes back from a cursor of URL characters', () => {
    fc.assert(
      fc.property(position, (given) => {
        const cursor = encodeCursor(listEntry(given))
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
        expect(decodeCursor(cursor)).toEqual(given)
      }),
    )
  })

  it('is ordered by age, then by id, as text is', () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        fc.pre(a.createdAt !== b.createdAt)
        expect(listEntry(a) < listEntry(b)).toBe(a.createdAt < b.createdAt)
      }),
    )
    expect(listEntry({ createdAt: 5, id: 'a' }) < listEntry({ createdAt: 5, id: 'b' })).toBe(true)
  })

  it('has its id from the 18th byte on, where the scripts look for it', () => {
    expect(listEntry({ createdAt: Date.UTC(2026, 0), id: 'the-id' }).slice(17)).toBe('the-id')
  })

  it('is nowhere for a cursor that was made up', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeCursor(text)).toBeUndefined()
      }),
    )
    const valid = encodeCursor(listEntry({ createdAt: 1, id: 'x' }))
    expect(decodeCursor(`${valid}=`)).toBeUndefined()
  })
})
