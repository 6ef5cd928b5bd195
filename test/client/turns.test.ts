import { describe, expect, it } from 'vitest'
import { Deferred } from '../../src/client/deferred.js'
import { Turns } from '../../src/client/turns.js'

const settle = () => new Promise((resolve) => setTimeout(resolve))

/** Work that begins when it is its turn and ends when it is told to. */
class Crowd {
  readonly begun: number[] = []
  readonly ends: Deferred<void>[] = []
  readonly results: Promise<void>[] = []
  readonly turns: Turns
  limit: number

  constructor(limit: number, people: number) {
    this.limit = limit
    this.turns = new Turns(() => this.limit)
    for (let i = 0; i < people; i++) {
      const end = new Deferred<void>()
      this.ends.push(end)
      const work = () => {
        this.begun.push(i)
        return end.promise
      }
      this.results.push(this.turns.take(work).catch(() => {}))
    }
  }
}

describe('turns', () => {
  it('come in order, as many at a time as the limit', async () => {
    const crowd = new Crowd(2, 4)
    await settle()
    expect(crowd.begun).toEqual([0, 1])
    crowd.ends[1]?.resolve()
    await settle()
    expect(crowd.begun).toEqual([0, 1, 2])
  })

  it('go on after work that fails', async () => {
    const crowd = new Crowd(1, 2)
    crowd.ends[0]?.reject(new Error('failed'))
    await settle()
    expect(crowd.begun).toEqual([0, 1])
  })

  it('follow a limit that grows and shrinks', async () => {
    const crowd = new Crowd(1, 6)
    crowd.limit = 3
    crowd.ends[0]?.resolve()
    await settle()
    expect(crowd.begun).toEqual([0, 1, 2, 3])
    crowd.limit = 1
    crowd.ends[1]?.resolve()
    crowd.ends[2]?.resolve()
    await settle()
    expect(crowd.begun).toHaveLength(4)
    crowd.ends[3]?.resolve()
    await settle()
    expect(crowd.begun).toEqual([0, 1, 2, 3, 4])
  })

  it('tell how many wait, or how many could begin', async () => {
    const crowd = new Crowd(2, 4)
    await settle()
    expect(crowd.turns.reserve).toBe(2)
    crowd.limit = 5
    expect(crowd.turns.reserve).toBe(-1)
    crowd.limit = 1
    expect(crowd.turns.reserve).toBe(2)
    for (const end of crowd.ends) end.resolve()
    await Promise.all(crowd.results)
    expect(crowd.turns.reserve).toBe(-1)
  })
})
