import {
  type BucketReport,
  CLOCK_TOLERANCE_MS,
  capabilitiesOf,
  isIncomplete,
  rememberingReport,
} from '../bucket/index.js'
import { ALL_CAPABILITIES, type BucketCapabilities } from '../coordinator/capabilities.js'
import type { ChecksumMode } from '../protocol/index.js'
import type { Log } from './logging.js'
import type { SigningClock } from './signing-clock.js'

export interface BucketWatchOptions {
  /** Never rejects. Without it only the bucket's clock is read, and it is taken to be able to do all. */
  readonly probe?: () => Promise<BucketReport>
  /** How far the bucket's clock is ahead of the machine's, in ms. */
  readonly clockOffset: () => Promise<number>
  readonly signingClock: SigningClock
  readonly log: Log
  /** Told how far ahead the bucket's clock is whenever that was read, in ms. @default nobody */
  readonly onClockOffset?: (offsetMs: number) => void
  /** The mode that the operator has set. */
  readonly checksum?: ChecksumMode
  /** Until a probe that met a fault is repeated; doubled each time, to `clockMs` at most. @default 15 s */
  readonly retryMs?: number
  /** Between two looks at the bucket's clock. @default 1 h */
  readonly clockMs?: number
}

/**
 * Knows what the bucket can do. It is probed at the start, again while a step met a fault, and when the
 * bucket was away: then it may be another one. In between only its clock is read: on a bucket that keeps
 * versions every probe leaves some.
 */
export class BucketWatch {
  readonly #options: BucketWatchOptions
  #report: BucketReport | undefined
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #wasAway = false
  #stopped = false

  constructor(options: BucketWatchOptions) {
    this.#options = options
  }

  capabilities(): BucketCapabilities {
    return this.#report === undefined ? ALL_CAPABILITIES : capabilitiesOf(this.#report.flags)
  }

  /** Why no upload can be completed, if that is so. */
  get broken(): string | undefined {
    return this.#report?.findings.find(({ level }) => level === 'broken')?.text
  }

  /** Looks at the bucket now, or joins the look that is under way. Never rejects. */
  look(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    clearTimeout(this.#timer)
    const { probe } = this.#options
    return this.#run(() => (probe === undefined ? this.#readClock() : this.#probe(probe)))
  }

  /** The bucket was asked for a sign of life. After it was away it is probed again. */
  answered(isThere: boolean): void {
    const isBack = isThere && this.#wasAway
    this.#wasAway = !isThere
    if (isBack) void this.look()
  }

  /** Ends the timer, and resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #run(work: () => Promise<void>): Promise<void> {
    this.#running ??= work().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #probe(probe: () => Promise<BucketReport>): Promise<void> {
    const report = await probe()
    this.#failures = isIncomplete(report) ? this.#failures + 1 : 0
    // What was once found out is not forgotten because the bucket happens to be away.
    this.#learn(rememberingReport(this.#report, report))
    this.#plan()
  }

  #learn(report: BucketReport): void {
    const { log } = this.#options
    const before = this.#report
    const { flags, findings, ...rest } = report
    this.#report = report
    if (rest.clockOffsetMs !== undefined) this.#followClock(rest.clockOffsetMs)
    if (JSON.stringify(before?.findings) === JSON.stringify(findings)) return
    log.info({ event: 'bucket.capabilities', ...this.capabilities(), ...flags, ...rest })
    const event = 'bucket.concern'
    for (const { level, text } of findings) {
      if (level !== 'ok' && level !== 'unknown') log.warn({ event, concern: text })
    }
    this.#checkDefault()
  }

  #followClock(offsetMs: number): void {
    const { signingClock, onClockOffset } = this.#options
    signingClock.follow(offsetMs)
    onClockOffset?.(offsetMs)
  }

  #checkDefault(): void {
    const { checksum, log } = this.#options
    const { modes } = this.capabilities()
    if (checksum === undefined || modes.includes(checksum)) return
    const concern = `PARTWAY_CHECKSUM is ${checksum}, which the bucket does not check: clients that name no checksum are refused. Leave it out, or set one of ${modes.join(', ')}.`
    log.warn({ event: 'bucket.concern', concern })
  }

  #plan(): void {
    const { retryMs = 15_000, clockMs = 3_600_000 } = this.#options
    if (this.#stopped) return
    const isDone = this.#failures === 0
    const wait = isDone ? clockMs : Math.min(retryMs * 2 ** (this.#failures - 1), clockMs)
    const next = () => (isDone ? this.#run(() => this.#readClock()) : this.look())
    this.#timer = setTimeout(() => void next(), wait)
    this.#timer.unref()
  }

  async #readClock(): Promise<void> {
    const { clockOffset, log } = this.#options
    try {
      const offsetMs = await clockOffset()
      this.#followClock(offsetMs)
      const level = Math.abs(offsetMs) > CLOCK_TOLERANCE_MS ? 'warn' : 'debug'
      log[level]({ event: 'bucket.clock', offsetMs })
    } catch (err) {
      log.warn({ event: 'bucket.clock', err })
    }
    this.#plan()
  }
}
