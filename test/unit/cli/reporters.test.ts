import { describe, expect, it } from 'vitest'
import { JsonReporter } from '../../../src/cli/json-reporter.js'
import { printable } from '../../../src/cli/printable.js'
import { progressText, resumedText, retryText } from '../../../src/cli/progress-text.js'
import { plainProgress } from '../../../src/cli/text-reporter.js'
import type { ProgressEvent } from '../../../src/client/events.js'
import { formatBytes, formatSeconds } from '../../../src/client/units.js'
import { Output } from './support/fake-io.js'

const MIB = 1024 ** 2

function progress(acknowledgedBytes: number, rest: Partial<ProgressEvent> = {}): ProgressEvent {
  const bytes = { acknowledgedBytes, inFlightBytes: 0, totalBytes: 100 * MIB }
  return { type: 'progress', ...bytes, bytesPerSecond: 2 * MIB, secondsLeft: 45, ...rest }
}

describe('progress in words', () => {
  it('has the bytes, the share, the speed and the time left', () => {
    expect(progressText(progress(10 * MIB))).toBe(
      '10.0 MiB of 100.0 MiB (10 %), 2.0 MiB/s, 45 s left',
    )
  })

  it('leaves out a speed that is not known', () => {
    const { secondsLeft: _, ...unknown } = progress(0, { bytesPerSecond: 0 })
    expect(progressText(unknown)).toBe('0 B of 100.0 MiB (0 %)')
  })

  it('does not say 100 % before it is all there', () => {
    expect(progressText(progress(100 * MIB - 1))).toContain('(99 %)')
  })

  it('tells of skipped parts and of retries', () => {
    const uploadId = 'id'
    expect(resumedText({ type: 'resumed', uploadId, skippedParts: 1, skippedBytes: 8 * MIB })).toBe(
      'going on: 1 part (8.0 MiB) are there already',
    )
    const retry = { type: 'retry', what: 'part', index: 3, reason: 'HTTP 503' } as const
    expect(retryText({ ...retry, delayMs: 1_200 })).toBe('part 3: HTTP 503; again in 2 s')
    expect(retryText({ ...retry, delayMs: 0 })).toBe('part 3: HTTP 503; again')
  })
})

describe('progress in a log', () => {
  function linesOf(seconds: number, percentPerSecond: number): string[] {
    const time = { now: 0 }
    const stderr = new Output()
    const view = plainProgress({ file: 'f', stderr, now: () => time.now })
    for (let second = 1; second <= seconds; second++) {
      time.now = second * 1_000
      view.show(progress(Math.min(100, second * percentPerSecond) * MIB))
    }
    return stderr.lines
  }

  it('has never two lines within two seconds', () => {
    expect(linesOf(10, 10)).toHaveLength(5)
  })

  it('has a line for every five per cent', () => {
    expect(linesOf(100, 1)).toHaveLength(20)
  })

  it('has a line every half minute when next to nothing moves', () => {
    expect(linesOf(300, 0.01)).toHaveLength(10)
  })
})

describe('JsonReporter', () => {
  it('tells of every confirmed part, but of mere motion five times a second', () => {
    const time = { now: 0 }
    const stdout = new Output()
    const reporter = new JsonReporter({ file: 'f', stdout, now: () => time.now })
    for (; time.now < 1_000; time.now += 10) {
      reporter.event(progress(0, { inFlightBytes: time.now }))
    }
    expect(stdout.lines).toHaveLength(5)
    for (let part = 1; part <= 7; part++) reporter.event(progress(part))
    expect(stdout.lines).toHaveLength(12)
  })

  it('writes numbers under the names of the wire', () => {
    const stdout = new Output()
    const reporter = new JsonReporter({ file: 'f', stdout, now: () => 0 })
    reporter.event(progress(MIB))
    expect(JSON.parse(stdout.text)).toEqual({
      ...{ type: 'progress', file: 'f', acknowledged_bytes: MIB, in_flight_bytes: 0 },
      ...{ total_bytes: 100 * MIB, bytes_per_second: 2 * MIB, seconds_left: 45 },
    })
  })

  it('keeps a fault that is none of ours on one line', () => {
    const stdout = new Output()
    const reporter = new JsonReporter({ file: 'f', stdout, now: () => 0 })
    reporter.failed({ error: new Error('two\nlines'), exitCode: 1 })
    expect(stdout.lines).toHaveLength(1)
    expect(JSON.parse(stdout.text)).toMatchObject({ code: 'UNEXPECTED', exit_code: 1 })
  })
})

describe('units', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1.5 * MIB, '1.5 MiB'],
    [2 * 1024 ** 4, '2.0 TiB'],
    [5_000 * 1024 ** 4, '5000.0 TiB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [65, '1 min 05 s'],
    [7_620, '2 h 07 min'],
  ])('%i seconds are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })
})

describe('printable', () => {
  it.each([
    ['film \u00fc \u{1f600}.mkv', 'film \u00fc \u{1f600}.mkv'],
    ['a\u001b[2Jb', 'a\\x1b[2Jb'],
    ['a\nb\rc\u009b', 'a\\x0ab\\x0dc\\x9b'],
    ['gpj.\u202eexe', 'gpj.\\u202eexe'],
  ])('turns %j into %j', (text, shown) => {
    expect(printable(text)).toBe(shown)
  })
})
