import { afterEach, expect, it } from 'vitest'
import type {
  Handler,
  Handlers,
  Job,
  JobOf,
  QueueEvents,
  WorkQueue,
} from '../../src/operations/index.js'
import { Signal } from '../helpers/signal.js'

export const job = (owner: string, id: string): JobOf<'settle'> => ({ kind: 'settle', owner, id })

/** Takes jobs and ends them when the test says so. */
export class Hand implements QueueEvents {
  readonly begun: string[] = []
  readonly ended: string[] = []
  readonly brokenOff: string[] = []
  readonly faults: unknown[] = []
  readonly #gates = new Map<string, Signal>()

  readonly onJobFault = (_: Job, fault: unknown) => {
    this.faults.push(fault)
  }

  finish(...ids: string[]): void {
    for (const id of ids) this.#gate(id).give()
  }

  settle(atOnce: number): Handlers {
    return { settle: { atOnce, run: ({ id }, signal) => this.#run(id, signal) } }
  }

  /** Ends by itself. */
  counts<K extends 'sweep' | 'janitor' | 'deliver'>(kind: K): Handler<K> {
    return {
      atOnce: 1,
      run: async () => {
        this.begun.push(kind)
      },
    }
  }

  async #run(id: string, signal: AbortSignal): Promise<void> {
    this.begun.push(id)
    const gate = this.#gate(id)
    const give = () => gate.give()
    signal.addEventListener('abort', give)
    await gate.given
    signal.removeEventListener('abort', give)
    this.#gates.delete(id)
    if (signal.aborted) this.brokenOff.push(id)
    signal.throwIfAborted()
    if (id === 'bad') throw new Error('it fails')
    this.ended.push(id)
  }

  #gate(id: string): Signal {
    const gate = this.#gates.get(id) ?? new Signal()
    this.#gates.set(id, gate)
    return gate
  }
}

/** Against what hangs. */
export const PATIENCE = { timeout: 20_000, interval: 20 }

/** Long enough for a job to be taken that must not be. */
export const aWhile = () => new Promise((resolve) => setTimeout(resolve, 300))

/** What every queue does. `open` gives one with nothing in it. */
export function workQueueContract(open: (events: QueueEvents) => Promise<WorkQueue>): void {
  const opened: WorkQueue[] = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((queue) => queue.close()))
  })

  async function start(handlers?: (hand: Hand) => Handlers) {
    const hand = new Hand()
    const queue = await open(hand)
    opened.push(queue)
    if (handlers !== undefined) queue.run(handlers(hand))
    const begun = (...ids: string[]) =>
      expect.poll(() => [...hand.begun].sort(), PATIENCE).toEqual(ids)
    return { hand, queue, begun }
  }

  it('gives each job to the handler of its kind, as it was added', async () => {
    const given: unknown[] = []
    const handler = { atOnce: 1, run: async (one: unknown) => void given.push(one) }
    const { queue } = await start(() => ({ settle: handler, deliver: handler, sweep: handler }))
    const jobs: Job[] = [
      job('an owner: "}{é', 'one'),
      { kind: 'deliver', owner: '', id: 'two', target: '1' },
      { kind: 'sweep' },
    ]
    await queue.add(jobs)
    await expect.poll(() => given.length, PATIENCE).toBe(3)
    for (const one of jobs) expect(given).toContainEqual(one)
  })

  it('works on no more at once than it may, and on the next when one is done', async () => {
    const { hand, queue, begun } = await start((of) => of.settle(2))
    await queue.add([job('a', '1'), job('b', '2')])
    await begun('1', '2')
    await queue.add([job('c', '3')])
    await aWhile()
    expect(hand.begun).toHaveLength(2)
    hand.finish('1')
    await begun('1', '2', '3')
  })

  it('gives one owner half of the room, so that others need not wait', async () => {
    const { hand, queue, begun } = await start((of) => of.settle(4))
    const own = ['a1', 'a2', 'a3', 'a4']
    await queue.add(own.map((id) => job('a', id)))
    await expect.poll(() => hand.begun.length, PATIENCE).toBe(2)
    await queue.add([job('b', 'b1')])
    await expect.poll(() => hand.begun, PATIENCE).toContain('b1')
    await aWhile()
    expect(hand.begun).toHaveLength(3)
    for (let done = 1; done <= 2; done++) {
      hand.finish(...hand.begun.filter((id) => id !== 'b1'))
      await expect.poll(() => hand.begun.length, PATIENCE).toBeGreaterThan(2 + done)
    }
    hand.finish(...own)
    await begun(...own, 'b1')
  })

  it('works on a job once, however often it is added, and again when it is added later', async () => {
    const { hand, queue, begun } = await start((of) => of.settle(1))
    await queue.add([job('owner', 'x')])
    await begun('x')
    await queue.add([job('owner', 'y'), job('owner', 'y'), job('owner', 'x')])
    await queue.add([job('owner', 'y')])
    hand.finish('x')
    await begun('x', 'y')
    hand.finish('y')
    await expect.poll(() => hand.ended, PATIENCE).toEqual(['x', 'y'])
    await aWhile()
    expect(hand.begun).toEqual(['x', 'y'])
    await expect
      .poll(async () => {
        await queue.add([job('owner', 'x')])
        return hand.begun
      }, PATIENCE)
      .toEqual(['x', 'y', 'x'])
  })

  it('goes on after a job that fails, and tells of it', async () => {
    const { hand, queue, begun } = await start((of) => of.settle(1))
    hand.finish('bad')
    await queue.add([job('owner', 'bad')])
    await expect.poll(() => hand.faults, PATIENCE).toMatchObject([{ message: 'it fails' }])
    await queue.add([job('owner', 'good')])
    await begun('bad', 'good')
    expect(hand.begun).toEqual(['bad', 'good'])
  })

  it('leaves kinds that have no handler', async () => {
    const { hand, queue, begun } = await start((of) => of.settle(1))
    await queue.add([{ kind: 'deliver', owner: 'a', id: 'r', target: '1' }, { kind: 'janitor' }])
    await queue.add([job('a', '1')])
    await begun('1')
    await aWhile()
    expect([...hand.begun, ...hand.faults]).toEqual(['1'])
  })

  it('repeats what is to be repeated, the first time within the interval', async () => {
    const { hand, queue } = await start((of) => ({ sweep: of.counts('sweep') }))
    queue.schedule('sweep', 200)
    await expect.poll(() => hand.begun.length, PATIENCE).toBeGreaterThan(2)
  })

  it('tells how much waits', async () => {
    const { hand, queue, begun } = await start((of) => of.settle(1))
    expect(await queue.waiting()).toEqual({ settle: 0, deliver: 0, sweep: 0, janitor: 0 })
    await queue.add([job('a', '1')])
    await begun('1')
    await queue.add([job('a', '2'), job('a', '3')])
    expect(await queue.waiting()).toMatchObject({ settle: 2 })
    hand.finish('1', '2', '3')
    await expect.poll(async () => (await queue.waiting()).settle, PATIENCE).toBe(0)
  })

  it('breaks off what it does when it is closed, and takes up nothing more', async () => {
    const { hand, queue, begun } = await start((of) => of.settle(1))
    await queue.add([job('a', '1')])
    await begun('1')
    await queue.add([job('a', '2')])
    queue.schedule('sweep', 1)
    await queue.close()
    await aWhile()
    expect(hand).toMatchObject({ begun: ['1'], brokenOff: ['1'], ended: [], faults: [] })
  })

  it('closes though a handler does not listen', async () => {
    const begun = new Signal()
    const run = () => {
      begun.give()
      return new Promise<void>(() => {})
    }
    const { queue } = await start(() => ({ settle: { atOnce: 1, run } }))
    await queue.add([job('a', '1')])
    await begun.given
    await queue.close()
  })

  it('closes when it was never used', async () => {
    const { queue } = await start()
    await queue.close()
    await queue.close()
  })
}
