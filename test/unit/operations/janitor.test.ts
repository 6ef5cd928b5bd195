import { afterEach, describe, expect, it } from 'vitest'
import type { CleanUpOptions, CleanUpReport } from '../../../src/coordinator/clean-up.js'
import { Janitor } from '../../../src/operations/index.js'

const REPORT: CleanUpReport = { expired: 1, kept: 0, failed: 0, forgotten: 0 }

describe('Janitor', () => {
  let janitor: Janitor | undefined
  afterEach(() => janitor?.stop())

  function started(cleanUp: (options?: CleanUpOptions) => Promise<CleanUpReport>) {
    const told: unknown[] = []
    janitor = new Janitor({
      partway: { cleanUp },
      intervalMs: 5,
      random: () => 0.5,
      onRun: (report) => told.push(report),
      onFault: (ref) => told.push(ref.id),
      onRunFault: (fault) => told.push(fault),
    })
    janitor.start()
    return { janitor, told }
  }

  it('cleans up again and again, also after a run that failed', async () => {
    let runs = 0
    const away = new Error('away')
    const { told } = started(async () => {
      if (++runs === 2) throw away
      return REPORT
    })
    await expect.poll(() => told.slice(0, 3)).toEqual([REPORT, away, REPORT])
  })

  it('tells of uploads that could not be given up', async () => {
    const { told } = started(async ({ onFault } = {}) => {
      onFault?.({ owner: 'ada', id: 'one' }, new Error('away'))
      return REPORT
    })
    await expect.poll(() => told.slice(0, 2)).toEqual(['one', REPORT])
  })

  it('ends what is under way when it is stopped, and begins nothing after that', async () => {
    let runs = 0
    let isOver = false
    const { janitor } = started(async ({ signal } = {}) => {
      runs++
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      await new Promise((resolve) => setTimeout(resolve, 20))
      isOver = true
      return REPORT
    })
    await expect.poll(() => runs).toBe(1)
    await janitor.stop()
    expect(isOver).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(runs).toBe(1)
  })
})
