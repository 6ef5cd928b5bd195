import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { CleanUpOptions, CleanUpReport } from '../../../../src/coordinator/clean-up.js'
import type { UploadRef } from '../../../../src/coordinator/ports.js'
import {
  BackgroundWork,
  type BackgroundWorkOptions,
  InProcessQueue,
  type Job,
} from '../../../../src/operations/index.js'

const run = promisify(execFile)
const REPORT: CleanUpReport = { expired: 1, kept: 0, failed: 0, forgotten: 0 }
const NEVER = 3_600_000
const ref = (id: string): UploadRef => ({ owner: `owner of ${id}`, id })

/** A coordinator of which only the order of the work counts. */
class Coordinator {
  readonly resumed: string[] = []
  readonly faults: unknown[] = []
  readonly told: unknown[] = []
  dueNow: UploadRef[] = []
  away: Error | undefined
  clean = async (_: CleanUpOptions = {}): Promise<CleanUpReport> => REPORT

  work(options: Partial<BackgroundWorkOptions> = {}): BackgroundWork {
    const onJobFault = (_: Job, fault: unknown) => this.faults.push(fault)
    return new BackgroundWork({
      partway: {
        due: async () => this.#due(),
        resume: async ({ id }) => void this.resumed.push(id),
        cleanUp: (given) => this.clean(given),
      },
      queue: new InProcessQueue({ onJobFault }),
      sweepMs: NEVER,
      janitorMs: NEVER,
      onClean: (report) => this.told.push(report),
      onCleanFault: ({ id }) => this.told.push(id),
      onQueueFault: (fault) => this.faults.push(fault),
      ...options,
    })
  }

  #due(): UploadRef[] {
    if (this.away !== undefined) throw this.away
    return this.dueNow.splice(0)
  }
}

describe('work in the background', () => {
  let work: BackgroundWork | undefined
  afterEach(() => work?.stop())

  function started(of: Coordinator, options?: Partial<BackgroundWorkOptions>): BackgroundWork {
    work = of.work(options)
    work.start()
    return work
  }

  it('takes up what is announced, and what others left before it began', async () => {
    const of = new Coordinator()
    of.dueNow = [ref('left')]
    started(of).announce(ref('announced'))
    await expect.poll(() => of.resumed.toSorted()).toEqual(['announced', 'left'])
  })

  it('finds what others left, again and again', async () => {
    const of = new Coordinator()
    started(of, { sweepMs: 5 })
    for (const id of ['1', '2']) {
      of.dueNow = [ref(id)]
      await expect.poll(() => of.resumed).toContain(id)
    }
  })

  it('outlives a store that does not answer', async () => {
    const of = new Coordinator()
    of.away = new Error('away')
    started(of, { sweepMs: 5 })
    await expect.poll(() => of.faults.length).toBeGreaterThan(1)
    of.away = undefined
    of.dueNow = [ref('1')]
    await expect.poll(() => of.resumed).toEqual(['1'])
  })

  it('tells others what it leaves to them, and begins nothing', async () => {
    const added: Job[] = []
    const queue = new InProcessQueue({ onJobFault: () => {} })
    queue.add = async (jobs) => void added.push(...jobs)
    const of = new Coordinator()
    started(of, { concurrency: 0, queue, sweepMs: 1, janitorMs: 1 }).announce(ref('1'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(added).toEqual([{ kind: 'settle', ...ref('1') }])
    expect([...of.resumed, ...of.told]).toEqual([])
  })

  it('tells of a queue that cannot be reached', async () => {
    const queue = new InProcessQueue({ onJobFault: () => {} })
    queue.add = () => Promise.reject(new Error('no queue'))
    const of = new Coordinator()
    started(of, { queue })
    await expect.poll(() => of.faults).toMatchObject([{ message: 'no queue' }])
  })

  it('delivers what is due to be delivered, and what it is told of where that is wanted', async () => {
    const delivered: string[] = []
    const event = (id: string) => ({ owner: 'a', id, target: '1' })
    const begun = started(new Coordinator(), {
      webhooks: {
        handler: { atOnce: 1, run: async ({ id }) => void delivered.push(id) },
        due: async () => [event('due')],
        isWanted: ({ id }) => id === 'wanted',
      },
    })
    begun.announceEvent(event('unwanted'))
    begun.announceEvent(event('wanted'))
    await expect.poll(() => [...delivered].sort()).toEqual(['due', 'wanted'])
  })

  it('takes up nothing more when it is stopped', async () => {
    const of = new Coordinator()
    const stopped = started(of, { sweepMs: 5, janitorMs: 5 })
    await stopped.stop()
    const before = of.told.length
    of.dueNow = [ref('1')]
    stopped.announce(ref('2'))
    stopped.start()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(of.resumed).toEqual([])
    expect(of.told).toHaveLength(before)
  })

  it('cleans up again and again, also after a run that failed', async () => {
    const of = new Coordinator()
    let runs = 0
    of.clean = async () => {
      if (++runs === 2) throw new Error('away')
      return REPORT
    }
    started(of, { janitorMs: 5 })
    await expect.poll(() => of.told.slice(0, 2)).toEqual([REPORT, REPORT])
    expect(of.faults).toMatchObject([{ message: 'away' }])
  })

  it('tells of uploads that could not be given up', async () => {
    const of = new Coordinator()
    of.clean = async ({ onFault } = {}) => {
      onFault?.(ref('one'), new Error('away'))
      return REPORT
    }
    started(of, { janitorMs: 5 })
    await expect.poll(() => of.told.slice(0, 2)).toEqual(['one', REPORT])
  })

  it('ends a clean-up that is under way when it is stopped', async () => {
    const of = new Coordinator()
    let isBegun = false
    let isOver = false
    of.clean = async ({ signal } = {}) => {
      isBegun = true
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      await new Promise((resolve) => setTimeout(resolve, 20))
      isOver = true
      return REPORT
    }
    const stopped = started(of, { janitorMs: 5 })
    await expect.poll(() => isBegun).toBe(true)
    await stopped.stop()
    expect(isOver).toBe(true)
    expect(of.told).toEqual([REPORT])
  })

  it('loads BullMQ and ioredis only for those who have their queue in Redis', async () => {
    const module = new URL('../../../../src/operations/index.ts', import.meta.url)
    const script = `
      const { InProcessQueue, openBullQueue } = await import(${JSON.stringify(module.href)})
      const { createRequire } = await import('node:module')
      const loaded = () => Object.keys(createRequire(${JSON.stringify(module.href)}).cache)
        .some((path) => /[/](bullmq|ioredis)[/]/.test(path))
      new InProcessQueue({ onJobFault: () => {} })
      const before = loaded()
      await openBullQueue({}).catch(() => {})
      console.log(before, loaded())`
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script]
    const { stdout } = await run(process.execPath, args)
    expect(stdout.trim()).toBe('false true')
  })
})
