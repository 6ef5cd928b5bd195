import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Concurrency } from '../../src/client/concurrency.js'

interface Line {
  /** Bytes a second that one connection brings, and that all of them bring together. */
  readonly each: number
  readonly all: number
}

const PART = 8_000_000

/** Parts one after another over a line on which each of `limit` connections gets the same share. */
class Simulation {
  now = 0
  readonly concurrency: Concurrency
  #line: Line

  constructor(line: Line, range = { min: 1, max: 8 }) {
    this.#line = line
    this.concurrency = new Concurrency({ ...range, now: () => this.now })
  }

  send(parts: number, line = this.#line): number[] {
    this.#line = line
    return Array.from({ length: parts }, () => {
      const rate = Math.min(this.concurrency.limit * line.each, line.all)
      this.now += (PART / rate) * 1_000
      this.concurrency.sent(PART)
      this.concurrency.arrived()
      return this.concurrency.limit
    })
  }
}

describe('the number of parts in flight', () => {
  it('grows as long as more bytes a second come of it', () => {
    const simulation = new Simulation({ each: 2_000_000, all: 100_000_000 })
    expect(simulation.concurrency.limit).toBe(6)
    expect(simulation.send(200).at(-1)).toBe(8)
  })

  it('stays where one more brings nothing', () => {
    const simulation = new Simulation({ each: 3_000_000, all: 20_000_000 })
    const limits = simulation.send(400)
    expect(limits.at(-1)).toBeLessThanOrEqual(8)
    const steady = limits.slice(100).filter((limit) => limit === 7).length
    expect(steady / 300).toBeGreaterThan(0.7)
  })

  it('finds a line that has become faster', () => {
    const simulation = new Simulation({ each: 4_000_000, all: 12_000_000 })
    simulation.send(100)
    const faster = { each: 4_000_000, all: 100_000_000 }
    expect(simulation.send(400, faster).at(-1)).toBe(8)
  })

  it('is never more than there are connections', () => {
    const simulation = new Simulation({ each: 1_000_000, all: 100_000_000 })
    simulation.concurrency.cap(6)
    expect(Math.max(...simulation.send(200))).toBe(6)
  })

  it('is halved when the bucket asks for less, once for all that fail together', () => {
    const simulation = new Simulation({ each: 2_000_000, all: 100_000_000 })
    simulation.send(200)
    for (let part = 0; part < 8; part++) simulation.concurrency.overloaded()
    expect(simulation.concurrency.limit).toBe(4)
    simulation.now += 1_500
    simulation.concurrency.overloaded()
    expect(simulation.concurrency.limit).toBe(2)
  })

  it('does not grow at once after the bucket asked for less, but in the end', () => {
    const simulation = new Simulation({ each: 8_000_000, all: 100_000_000 })
    simulation.send(100)
    simulation.concurrency.overloaded()
    const halved = simulation.concurrency.limit
    expect(Math.max(...simulation.send(20))).toBe(halved)
    expect(simulation.send(300).at(-1)).toBeGreaterThan(halved)
  })

  it('is what was asked for, where a number was asked for', () => {
    const simulation = new Simulation({ each: 1, all: 100 }, { min: 5, max: 5 })
    simulation.concurrency.overloaded()
    expect(new Set(simulation.send(50))).toEqual(new Set([5]))
  })

  it('keeps to its range, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('part' as const), ms: fc.integer({ min: 0, max: 5_000 }) }),
      fc.record({ kind: fc.constant('overload' as const), ms: fc.integer({ min: 0, max: 5_000 }) }),
      fc.record({ kind: fc.constant('cap' as const), ms: fc.integer({ min: 1, max: 10 }) }),
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        fc.array(step, { maxLength: 200 }),
        (min, more, steps) => {
          let now = 0
          const max = min + more
          const concurrency = new Concurrency({ min, max, now: () => now })
          for (const { kind, ms } of steps) {
            if (kind === 'cap') concurrency.cap(ms)
            else now += ms
            if (kind === 'overload') concurrency.overloaded()
            if (kind === 'part') concurrency.sent(PART)
            if (kind === 'part') concurrency.arrived()
            expect(concurrency.limit).toBeGreaterThanOrEqual(min)
            expect(concurrency.limit).toBeLessThanOrEqual(max)
          }
        },
      ),
    )
  })
})
