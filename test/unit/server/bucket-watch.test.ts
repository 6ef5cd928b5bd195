import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BucketReport } from '../../../src/bucket/index.js'
import { BucketWatch, type BucketWatchOptions } from '../../../src/server/bucket-watch.js'
import { createLog } from '../../../src/server/logging.js'
import { SigningClock } from '../../../src/server/signing-clock.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'
import {
  altered,
  memoryProbeSubject,
  probeMemory,
  sdkError,
} from '../../helpers/memory-probe-subject.js'

const MODES = ['sha256', 'crc64nvme', 'crc32c', 'crc32', 'md5', 'none']
const RETRY_MS = 1_000
const CLOCK_MS = 60_000

const memory = new MemoryBucket()
let able: BucketReport
let weak: BucketReport
let away: BucketReport

beforeEach(async () => {
  await memory.start()
  able = await probeMemory(memoryProbeSubject(memory))
  const bucket = altered(memory, {
    createMultipartUpload: async (request) => {
      if (request.checksum === 'sha256') throw sdkError('NotImplemented', 501)
      return memory.createMultipartUpload(request)
    },
  })
  weak = await probeMemory(memoryProbeSubject(memory, { bucket }))
  memory.onCall = () => {
    throw new Error('away')
  }
  away = await probeMemory(memoryProbeSubject(memory))
  memory.onCall = () => {}
  vi.useFakeTimers()
})

afterEach(async () => {
  vi.useRealTimers()
  await memory.stop()
})

/** A watch whose probes give `reports` one after the other, the last again and again. */
function watching(reports: readonly BucketReport[], options: Partial<BucketWatchOptions> = {}) {
  const lines: Record<string, unknown>[] = []
  const log = createLog('debug', { write: (line) => lines.push(JSON.parse(line)) })
  const signingClock = new SigningClock({ now: () => 1_000_000 })
  const seen = { probes: 0, clocks: 0, offsetMs: 0 }
  const watch = new BucketWatch({
    probe: async () => {
      seen.probes += 1
      const report = reports[Math.min(seen.probes, reports.length) - 1]
      if (report === undefined) throw new Error('no report')
      return report
    },
    clockOffset: async () => {
      seen.clocks += 1
      return seen.offsetMs
    },
    signingClock,
    log,
    retryMs: RETRY_MS,
    clockMs: CLOCK_MS,
    ...options,
  })
  const said = (event: string) => lines.filter((line) => line.event === event)
  return { watch, signingClock, seen, said }
}

describe('what the server knows of its bucket', () => {
  it('takes it to be able to do all until it is known', async () => {
    const { watch } = watching([weak])
    expect(watch.capabilities().modes).toEqual(MODES)
    await watch.look()
    expect(watch.capabilities().modes).toEqual(MODES.slice(1))
    await watch.stop()
  })

  it('is said once, with a warning for each thing that the bucket does not do', async () => {
    const { watch, said } = watching([weak])
    await watch.look()
    await watch.look()
    expect(said('bucket.capabilities')).toHaveLength(1)
    expect(said('bucket.capabilities')[0]).toMatchObject({
      level: 'info',
      modes: MODES.slice(1),
      sha256Root: 'no',
      completeReplay: 'gone',
      clockOffsetMs: 0,
    })
    expect(said('bucket.concern')).toEqual([
      expect.objectContaining({ level: 'warn', concern: expect.stringContaining('"sha256"') }),
    ])
    await watch.stop()
  })

  it('has no warning when the bucket does all', async () => {
    const { watch, said } = watching([able], { checksum: 'sha256' })
    await watch.look()
    expect(said('bucket.concern')).toEqual([])
    expect(watch.broken).toBeUndefined()
    await watch.stop()
  })

  it('warns of a configured mode that the bucket does not check', async () => {
    const { watch, said } = watching([weak], { checksum: 'sha256' })
    await watch.look()
    expect(said('bucket.concern').map(({ concern }) => concern)).toContainEqual(
      expect.stringMatching(/^PARTWAY_CHECKSUM is sha256.*crc64nvme, crc32c/),
    )
    await watch.stop()
  })

  it('is asked for again, more and more rarely, while a step met a fault', async () => {
    const { watch, seen } = watching([away, away, weak])
    await watch.look()
    expect(watch.capabilities().modes).toEqual(MODES)
    await vi.advanceTimersByTimeAsync(RETRY_MS)
    expect(seen.probes).toBe(2)
    await vi.advanceTimersByTimeAsync(RETRY_MS)
    expect(seen.probes).toBe(2)
    await vi.advanceTimersByTimeAsync(RETRY_MS)
    expect(seen.probes).toBe(3)
    expect(watch.capabilities().modes).toEqual(MODES.slice(1))
    await vi.advanceTimersByTimeAsync(CLOCK_MS * 3)
    expect(seen).toMatchObject({ probes: 3, clocks: 3 })
    await watch.stop()
  })

  it('is asked for again when the bucket is back, and is not forgotten while it is away', async () => {
    const { watch, seen } = watching([weak, away, able])
    await watch.look()
    watch.answered(true)
    watch.answered(false)
    watch.answered(false)
    expect(seen.probes).toBe(1)
    watch.answered(true)
    await watch.look()
    expect(seen.probes).toBe(2)
    expect(watch.capabilities().modes).toEqual(MODES.slice(1))
    await vi.advanceTimersByTimeAsync(RETRY_MS)
    expect(watch.capabilities().modes).toEqual(MODES)
    await watch.stop()
  })

  it('is asked for by one probe at a time', async () => {
    const { watch, seen } = watching([able])
    await Promise.all([watch.look(), watch.look(), watch.look()])
    expect(seen.probes).toBe(1)
    await watch.stop()
  })

  it('is left as it is after the stop', async () => {
    const { watch, seen } = watching([away])
    await watch.look()
    await watch.stop()
    watch.answered(false)
    watch.answered(true)
    await watch.look()
    await vi.advanceTimersByTimeAsync(CLOCK_MS * 10)
    expect(seen).toMatchObject({ probes: 1, clocks: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the clock that URLs are dated by', () => {
  it('follows the bucket when the two differ by more than 5 s, and is looked at again', async () => {
    const { watch, signingClock, seen, said } = watching([{ ...able, clockOffsetMs: 60_000 }])
    expect(signingClock.now()).toBe(1_000_000)
    await watch.look()
    expect(signingClock.now()).toBe(1_060_000)
    seen.offsetMs = -7_000
    await vi.advanceTimersByTimeAsync(CLOCK_MS)
    expect(signingClock.now()).toBe(993_000)
    expect(said('bucket.clock')).toMatchObject([{ level: 'warn', offsetMs: -7_000 }])
    seen.offsetMs = 4_000
    await vi.advanceTimersByTimeAsync(CLOCK_MS)
    expect(signingClock.now()).toBe(1_000_000)
    await watch.stop()
  })

  it('is all that is asked for when the probe is off', async () => {
    const lines: string[] = []
    const signingClock = new SigningClock({ now: () => 0 })
    const watch = new BucketWatch({
      clockOffset: async () => 30_000,
      signingClock,
      log: createLog('debug', { write: (line) => lines.push(line) }),
    })
    await watch.look()
    expect(signingClock.now()).toBe(30_000)
    expect(watch.capabilities().modes).toEqual(MODES)
    expect(lines.join('')).not.toContain('bucket.capabilities')
    await watch.stop()
  })
})
