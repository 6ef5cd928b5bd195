import type { ProgressEvent } from './events.js'

interface Sample {
  readonly at: number
  readonly sent: number
}

const WINDOW_MS = 10_000
const SAMPLE_MS = 250
/** A speed of less time than this is mostly chance. */
const SHORTEST_MS = 500

/**
 * Counts bytes. What is confirmed is counted by part, so a part that is sent twice counts once; the
 * speed is that of the bytes which went over the wire, so skipped parts do not flatter it.
 */
export class ProgressMeter {
  readonly #totalBytes: number
  readonly #now: () => number
  readonly #acknowledged = new Map<number, number>()
  readonly #inFlight = new Map<number, number>()
  #acknowledgedBytes = 0
  #inFlightBytes = 0
  #sent = 0
  #samples: Sample[] = []

  constructor(totalBytes: number, now: () => number) {
    this.#totalBytes = totalBytes
    this.#now = now
  }

  /**
   * `bytes` of part `index` have been sent so far by the present try; 0 when it failed. Returns how many
   * more that is than before.
   */
  sending(index: number, bytes: number): number {
    // The window begins with the first byte, not with what had to be done before.
    if (this.#samples.length === 0) this.#samples = [{ at: this.#now(), sent: this.#sent }]
    const before = this.#inFlight.get(index) ?? 0
    this.#inFlight.set(index, bytes)
    this.#inFlightBytes += bytes - before
    const more = Math.max(0, bytes - before)
    this.#sent += more
    this.#sample()
    return more
  }

  /** Nothing is on its way, and what went before some pause says nothing of the speed. */
  begin(): void {
    this.#inFlight.clear()
    this.#inFlightBytes = 0
    this.#samples = []
  }

  acknowledge(index: number, bytes: number): void {
    this.#inFlightBytes -= this.#inFlight.get(index) ?? 0
    this.#inFlight.delete(index)
    this.#acknowledgedBytes += bytes - (this.#acknowledged.get(index) ?? 0)
    this.#acknowledged.set(index, bytes)
  }

  /** The bucket does not have the part after all. */
  forget(index: number): void {
    this.#acknowledgedBytes -= this.#acknowledged.get(index) ?? 0
    this.#acknowledged.delete(index)
  }

  /** Nothing of what was confirmed is taken for granted any more. */
  reset(): void {
    this.#acknowledged.clear()
    this.#inFlight.clear()
    this.#acknowledgedBytes = 0
    this.#inFlightBytes = 0
  }

  read(): ProgressEvent {
    const bytesPerSecond = this.#speed()
    const left = this.#totalBytes - this.#acknowledgedBytes - this.#inFlightBytes
    return {
      type: 'progress',
      acknowledgedBytes: this.#acknowledgedBytes,
      inFlightBytes: this.#inFlightBytes,
      totalBytes: this.#totalBytes,
      bytesPerSecond,
      ...(bytesPerSecond > 0 ? { secondsLeft: Math.ceil(left / bytesPerSecond) } : {}),
    }
  }

  #sample(): void {
    const at = this.#now()
    const last = this.#samples.at(-1)
    if (last !== undefined && at - last.at < SAMPLE_MS) return
    this.#samples.push({ at, sent: this.#sent })
    const first = this.#samples.findIndex((sample) => sample.at > at - WINDOW_MS)
    // The one just before the window stays: it is where the window begins.
    if (first > 1) this.#samples.splice(0, first - 1)
  }

  #speed(): number {
    const from = this.#samples[0]
    if (from === undefined) return 0
    const elapsed = this.#now() - from.at
    return elapsed < SHORTEST_MS ? 0 : Math.round(((this.#sent - from.sent) * 1_000) / elapsed)
  }
}
