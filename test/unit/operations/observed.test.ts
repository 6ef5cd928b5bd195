import { expect, it } from 'vitest'
import { observed, overlaid } from '../../../src/operations/observed.js'

class Counter {
  readonly name = 'a counter'
  #count = 0

  get count(): number {
    return this.#count
  }

  async add(by: number): Promise<number> {
    this.#count += by
    return this.#count
  }

  async fail(): Promise<never> {
    throw new RangeError('too much')
  }
}

it('a port that is laid over keeps the members and the state that are not replaced', async () => {
  const counter = new Counter()
  const laid = overlaid(counter, { fail: async () => Promise.reject(new Error('another')) })
  expect(await laid.add(2)).toBe(2)
  expect([laid.count, laid.name]).toEqual([2, 'a counter'])
  await expect(laid.fail()).rejects.toThrow('another')
  await expect(counter.fail()).rejects.toThrow('too much')
})

it('sees every call of an observed port, its result and its fault', async () => {
  const seen: string[] = []
  const port = observed(new Counter(), async (method, call) => {
    seen.push(`> ${method}`)
    try {
      return await call()
    } finally {
      seen.push(`< ${method}`)
    }
  })
  expect(await port.add(3)).toBe(3)
  expect(port.count).toBe(3)
  await expect(port.fail()).rejects.toThrow(RangeError)
  expect(seen).toEqual(['> add', '< add', '> fail', '< fail'])
})

it('can be laid over and observed several times over', async () => {
  const seen: string[] = []
  const noting =
    (who: string) =>
    async <T>(method: string, call: () => Promise<T>): Promise<T> => {
      seen.push(`${who} ${method}`)
      return await call()
    }
  const inner = observed(new Counter(), noting('inner'))
  const laid = overlaid(inner, { fail: () => inner.fail() })
  const outer = observed(laid, noting('outer'))
  expect(await outer.add(1)).toBe(1)
  expect(outer.count).toBe(1)
  await expect(outer.fail()).rejects.toThrow('too much')
  expect(seen).toEqual(['outer add', 'inner add', 'outer fail', 'inner fail'])
})
