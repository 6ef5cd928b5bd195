import { describe, expect, it } from 'vitest'
import { ProgressMeter } from '../../src/client/progress-meter.js'

function meterOf(totalBytes: number) {
  const time = { now: 0 }
  return { time, meter: new ProgressMeter(totalBytes, () => time.now) }
}

/** Sends `bytesPerSecond` for `seconds`, in steps of 100 ms, as parts of one step each. */
function sendFor(
  { time, meter }: ReturnType<typeof meterOf>,
  { seconds, bytesPerSecond }: { seconds: number; bytesPerSecond: number },
): void {
  for (let step = 0; step < seconds * 10; step++) {
    time.now += 100
    const index = Math.round(time.now / 100)
    meter.sending(index, bytesPerSecond / 10)
    meter.acknowledge(index, bytesPerSecond / 10)
  }
}

describe('ProgressMeter', () => {
  it('does not know a speed before half a second of sending has passed', () => {
    const { meter, time } = meterOf(100)
    meter.sending(1, 10)
    time.now += 499
    expect(meter.read()).toMatchObject({ bytesPerSecond: 0 })
    expect(meter.read()).not.toHaveProperty('secondsLeft')
  })

  it('gives speed and time left of what went over the wire', () => {
    const metered = meterOf(10_000)
    sendFor(metered, { seconds: 5, bytesPerSecond: 1_000 })
    const { bytesPerSecond, secondsLeft } = metered.meter.read()
    expect(bytesPerSecond).toBeGreaterThan(900)
    expect(bytesPerSecond).toBeLessThan(1_100)
    expect(secondsLeft).toBeGreaterThanOrEqual(5)
    expect(secondsLeft).toBeLessThanOrEqual(6)
  })

  it('forgets how fast it was more than ten seconds ago', () => {
    const metered = meterOf(1_000_000)
    sendFor(metered, { seconds: 20, bytesPerSecond: 10_000 })
    sendFor(metered, { seconds: 15, bytesPerSecond: 100 })
    expect(metered.meter.read().bytesPerSecond).toBeLessThan(150)
  })

  it('is not flattered by parts that were skipped', () => {
    const { meter, time } = meterOf(2_000_000)
    meter.acknowledge(1, 1_000_000)
    meter.sending(2, 0)
    for (let second = 1; second <= 4; second++) {
      time.now += 1_000
      meter.sending(2, second * 100)
    }
    expect(meter.read().bytesPerSecond).toBeLessThan(200)
    expect(meter.read()).toMatchObject({ acknowledgedBytes: 1_000_000, inFlightBytes: 400 })
  })

  it('counts a part once, however often it is sent', () => {
    const { meter } = meterOf(100)
    for (const bytes of [5, 10, 0, 10]) meter.sending(1, bytes)
    meter.acknowledge(1, 10)
    meter.acknowledge(1, 10)
    expect(meter.read()).toMatchObject({ acknowledgedBytes: 10, inFlightBytes: 0 })
  })

  it('takes back parts that the bucket does not have after all', () => {
    const { meter } = meterOf(100)
    meter.acknowledge(1, 10)
    meter.acknowledge(2, 10)
    meter.forget(1)
    expect(meter.read().acknowledgedBytes).toBe(10)
    meter.reset()
    expect(meter.read().acknowledgedBytes).toBe(0)
  })
})
