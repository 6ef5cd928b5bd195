import { afterEach, describe, expect, it, vi } from 'vitest'
import type { UploadRef } from '../../../src/coordinator/ports.js'
import { BackgroundWorker } from '../../../src/operations/index.js'
import { Signal } from '../../helpers/signal.js'

const ref = (owner: string, id: string): UploadRef => ({ owner, id })

/** A coordinator of which only the order of the work counts. */
class Work {
  readonly begun: string[] = []
  readonly ended: string[] = []
  readonly faults: unknown[] = []
  dueNow: UploadRef[] = []
  fault: unknown
  readonly #gates = new Map<string, Signal>()

  worker(concurrency: number, pollMs = 60_000): BackgroundWorker {
    const onFault = (_: UploadRef, fault: unknown) => this.faults.push(fault)
    return new BackgroundWorker({
      partway: { due: async () => this.#due(), resume: (one, signal) => this.#resume(one, signal) },
      concurrency,
      pollMs,
      onFault,
      onPollFault: (fault) => this.faults.push(fault),
    })
  }

  finish(id: string): void {
    this.#gates.get(id)?.give()
  }

  #due(): UploadRef[] {
    if (this.fault !== undefined) throw this.fault
    return this.dueNow
  }

  async #resume({ id }: UploadRef, signal?: AbortSignal): Promise<void> {
    this.begun.push(id)
    const gate = new Signal()
    this.#gates.set(id, gate)
    signal?.addEventListener('abort', () => gate.give())
    await gate.given
    signal?.throwIfAborted()
    if (id === 'bad') throw new Error('it fails')
    this.ended.push(id)
  }
}

describe('the background worker', () => {
  let worker: BackgroundWorker | undefined
  afterEach(() => worker?.stop())

  it('works on no more at once than it may, and on the next when one is done', async () => {
    const work = new Work()
    worker = work.worker(2)
    for (const id of ['1', '2', '3']) worker.add(ref(`owner ${id}`, id))
    expect(work.begun).toEqual(['1', '2'])
    work.finish('1')
    await vi.waitFor(() => expect(work.begun).toEqual(['1', '2', '3']))
  })

  it('gives one owner half of the room, so that others need not wait', async () => {
    const work = new Work()
    worker = work.worker(4)
    for (const id of ['a1', 'a2', 'a3', 'a4']) worker.add(ref('a', id))
    worker.add(ref('b', 'b1'))
    expect(work.begun).toEqual(['a1', 'a2', 'b1'])
    work.finish('a1')
    await vi.waitFor(() => expect(work.begun).toEqual(['a1', 'a2', 'b1', 'a3']))
  })

  it('works on an upload once, however often it is announced', async () => {
    const work = new Work()
    worker = work.worker(1)
    for (const id of ['x', 'y', 'y', 'x']) worker.add(ref('owner', id))
    work.finish('x')
    await vi.waitFor(() => expect(work.begun).toEqual(['x', 'y']))
    work.finish('y')
    await vi.waitFor(() => expect(work.ended).toEqual(['x', 'y']))
    expect(work.begun).toEqual(['x', 'y'])
  })

  it('goes on after one that fails, and tells of it', async () => {
    const work = new Work()
    worker = work.worker(1)
    worker.add(ref('owner', 'bad'))
    worker.add(ref('owner', 'good'))
    work.finish('bad')
    await vi.waitFor(() => expect(work.begun).toEqual(['bad', 'good']))
    expect(work.faults).toMatchObject([{ message: 'it fails' }])
  })

  it('finds what others left, again and again', async () => {
    const work = new Work()
    worker = work.worker(2, 5)
    work.dueNow = [ref('a', '1')]
    worker.start()
    await vi.waitFor(() => expect(work.begun).toEqual(['1']))
    work.dueNow = [ref('b', '2')]
    await vi.waitFor(() => expect(work.begun).toEqual(['1', '2']))
  })

  it('outlives a store that does not answer', async () => {
    const work = new Work()
    worker = work.worker(1, 5)
    work.fault = new Error('away')
    worker.start()
    await vi.waitFor(() => expect(work.faults.length).toBeGreaterThan(1))
    work.fault = undefined
    work.dueNow = [ref('a', '1')]
    await vi.waitFor(() => expect(work.begun).toEqual(['1']))
  })

  it('breaks off what it does when it is stopped, and takes up nothing more', async () => {
    const work = new Work()
    worker = work.worker(1)
    worker.add(ref('owner', '1'))
    worker.add(ref('owner', '2'))
    await worker.stop()
    worker.add(ref('owner', '3'))
    worker.start()
    expect(work.begun).toEqual(['1'])
    expect([...work.ended, ...work.faults]).toEqual([])
  })
})
