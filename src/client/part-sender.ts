import type { SignedPart } from '../protocol/index.js'
import type { RetryEvent } from './events.js'
import { waitWhileOffline } from './online.js'
import type { ProvenPart } from './part-ledger.js'
import type { LoadedPart } from './part-loader.js'
import type { PartsExchange } from './parts-exchange.js'
import { describeRequest, PartwayError } from './partway-error.js'
import type { ClientPorts, HttpReply } from './ports.js'
import { type PutOutcome, putOutcome } from './put-outcome.js'
import { reasonOf } from './reason.js'
import { nextDelayMs, type RetryPolicy, retryAfterMs, withStallLimit } from './retry.js'
import type { StableFile } from './stable-file.js'
import type { Turns } from './turns.js'

export interface PartSenderOptions {
  readonly ports: ClientPorts
  readonly exchange: PartsExchange
  /** Whose turn it is to be on its way. */
  readonly turns: Turns
  readonly file: StableFile
  readonly retry: RetryPolicy
  /** After so long without a byte moving, a try is given up, in ms. */
  readonly stallMs: number
  readonly signal: AbortSignal
  /** So many bytes of the part have gone so far; 0 when they have to go again. */
  readonly onSent: (index: number, bytes: number) => void
  readonly onRetry: (event: RetryEvent) => void
  readonly onOffline: (isOffline: boolean) => void
  /** The bucket stored the part. */
  readonly onStored: (part: ProvenPart) => void
  /** The part goes to this address. */
  readonly onTarget: (url: string) => void
  /** The bucket asked for less (503, 429). */
  readonly onOverload: () => void
}

interface HeldUrl {
  readonly signed: SignedPart
  readonly expiresAt: number
  /** From here on it is not begun with any more. */
  readonly staleAt: number
}

interface Attempt {
  readonly outcome: PutOutcome
  readonly retryAfterMs: number | undefined
  /** 0 without an answer. */
  readonly status: number
}

interface Tally {
  /** Failures that time or another try may mend. */
  failures: number
  /** URLs that were refused in a row before their time was over. */
  refusals: number
  /** Times that the bucket got other bytes than were hashed. */
  mismatches: number
}

/** Sends one part until the bucket has confirmed it, or there is no use in going on. */
export class PartSender {
  readonly #options: PartSenderOptions
  /** Whether the bucket has ever been seen to answer. */
  #isAnswered = false

  constructor(options: PartSenderOptions) {
    this.#options = options
  }

  /**
   * Resolves once the bucket has answered with the part's ETag, which is then reported. `reload` reads
   * the bytes of the part again. The URL is there before it is the part's turn.
   */
  async send(part: LoadedPart, reload: () => Promise<LoadedPart>): Promise<void> {
    const url = await this.#sign(part)
    try {
      await this.#options.turns.take(() => this.#send(part, url, reload))
    } finally {
      // Its connection may have nothing to do now; and whoever still waits for a URL has to hear that all is over.
      this.#options.exchange.proceed()
    }
  }

  async #send(part: LoadedPart, early: HeldUrl, reload: () => Promise<LoadedPart>): Promise<void> {
    const tally: Tally = { failures: 0, refusals: 0, mismatches: 0 }
    let current = part
    let url: HeldUrl | undefined = early
    this.#options.exchange.proceed()
    for (;;) {
      url = this.#stillFresh(url) ?? (await this.#sign(current, true))
      const attempt = await this.#attempt(current, url.signed)
      const { outcome } = attempt
      if (outcome.kind === 'stored') return this.#report(current, outcome.etag)
      this.#options.onSent(part.index, 0)
      await this.#afterFailure(attempt, tally, url)
      if (outcome.kind === 'corrupt') current = await reload()
      if (outcome.kind !== 'transient') url = undefined
    }
  }

  /** Waits where that may help; throws where nothing will. */
  async #afterFailure(attempt: Attempt, tally: Tally, url: HeldUrl): Promise<void> {
    const { outcome } = attempt
    const { signed } = url
    switch (outcome.kind) {
      case 'transient':
        return this.#afterTransient(attempt, tally, signed)
      case 'url-refused':
        return this.#afterRefusedUrl(outcome.reason, tally, url)
      case 'corrupt':
        if (tally.mismatches++ > 0) throw mismatch(signed, outcome.reason)
        return this.#retrying(signed.index, outcome.reason, 0)
      case 'refused':
        throw refused(signed, outcome.reason)
      case 'etag-hidden':
        throw etagHidden(signed)
      case 'gone':
        throw new PartwayError('UPLOAD_GONE', 'The bucket no longer has this upload')
      case 'stored':
        return
    }
  }

  async #afterTransient(attempt: Attempt, tally: Tally, signed: SignedPart): Promise<void> {
    const { ports, signal, onOffline, onOverload, file } = this.#options
    const { status, retryAfterMs, outcome } = attempt
    const reason = 'reason' in outcome ? outcome.reason : ''
    tally.refusals = 0
    if (status === 429 || status === 503) onOverload()
    if (status === 0 && (await waitWhileOffline(ports, signal, () => onOffline(true)))) {
      onOffline(false)
      return this.#retrying(signed.index, 'the network was away', 0)
    }
    // A browser says no more of a piece that it cannot read than of a bucket that does not answer.
    if (status === 0) await file.assertUnchanged()
    tally.failures++
    return this.#backOff(reason, { failures: tally.failures, retryAfterMs }, signed)
  }

  /**
   * The bucket looks at the clock when a request begins, which on a crowded line may be long after it was
   * signed. So a refusal is held against the bucket only while the URL should have been good.
   */
  #afterRefusedUrl(reason: string, tally: Tally, url: HeldUrl): void {
    const { signed } = url
    tally.failures++
    if (this.#options.ports.clock.now() < url.expiresAt && tally.refusals++ > 0) {
      throw refused(signed, `${reason}, even with a fresh URL`)
    }
    if (tally.failures >= this.#options.retry.tries) {
      throw refused(signed, `${reason}; its URLs expire before they can be used`)
    }
    this.#retrying(signed.index, reason, 0)
  }

  async #attempt(part: LoadedPart, signed: SignedPart): Promise<Attempt> {
    const { ports, stallMs, signal } = this.#options
    try {
      const reply = await withStallLimit(ports, { ms: stallMs, signal }, (limited, touch) =>
        this.#put(part, signed, { signal: limited, touch }),
      )
      const pause = retryAfterMs(reply.headers['retry-after'], ports.clock.wallTime())
      const { status } = reply
      this.#isAnswered = true
      return { outcome: putOutcome(reply, ports.transport.obeysCors), retryAfterMs: pause, status }
    } catch (error) {
      signal.throwIfAborted()
      const outcome = { kind: 'transient', reason: reasonOf(error) } as const
      return { outcome, retryAfterMs: undefined, status: 0 }
    }
  }

  #put(
    { index, body }: LoadedPart,
    { url, headers }: SignedPart,
    { signal, touch }: { readonly signal: AbortSignal; readonly touch: () => void },
  ): Promise<HttpReply> {
    const onSent = (sent: number) => {
      touch()
      this.#options.onSent(index, sent)
    }
    return this.#options.ports.transport.putPart({ url, headers, body, signal, onSent })
  }

  async #backOff(
    reason: string,
    failure: { readonly failures: number; readonly retryAfterMs: number | undefined },
    { index, url }: SignedPart,
  ): Promise<void> {
    const { ports, retry, signal } = this.#options
    const delayMs = nextDelayMs(retry, failure, ports.random)
    if (delayMs === undefined) {
      const isSilent = ports.transport.obeysCors && !this.#isAnswered
      const text = `Part ${index} could not be sent in ${failure.failures} tries: ${reason}${isSilent ? CORS_HINT : ''}`
      throw new PartwayError('BUCKET_UNREACHABLE', text, { request: describeRequest('PUT', url) })
    }
    this.#retrying(index, reason, delayMs)
    await ports.clock.sleep(delayMs, signal)
  }

  #retrying(index: number, reason: string, delayMs: number): void {
    this.#options.onRetry({ type: 'retry', what: 'part', index, reason, delayMs })
  }

  #stillFresh(url: HeldUrl | undefined): HeldUrl | undefined {
    return url !== undefined && this.#options.ports.clock.now() < url.staleAt ? url : undefined
  }

  async #sign({ index, size, checksum }: LoadedPart, isUrgent = false): Promise<HeldUrl> {
    const { exchange, ports } = this.#options
    const askedAt = ports.clock.now()
    const part = { index, ...(checksum === undefined ? {} : { checksum }) }
    const signed = await exchange.sign(part, isUrgent)
    if (signed.size !== size) {
      const text = `The server signed ${signed.size} bytes for part ${index} of ${size}`
      throw new PartwayError('UNEXPECTED_REPLY', text)
    }
    this.#options.onTarget(signed.url)
    const lifeMs = signed.expiresIn * 1_000
    return { signed, expiresAt: askedAt + lifeMs, staleAt: askedAt + lifeMs * 0.9 }
  }

  #report({ index, checksum }: LoadedPart, etag: string): void {
    this.#options.onStored({ index, etag, checksum })
    this.#options.exchange.report({ index, etag, ...(checksum === undefined ? {} : { checksum }) })
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html */
const CORS_HINT =
  '. If the bucket can be reached, its CORS rules must allow PUT from the origin of this page, with any ' +
  'header, and expose ETag'

function etagHidden({ index, url }: SignedPart): PartwayError {
  const text = `The bucket took part ${index}, but its CORS rules must expose the header ETag`
  return new PartwayError('ETAG_NOT_EXPOSED', text, { request: describeRequest('PUT', url) })
}

function refused({ index, url }: SignedPart, reason: string): PartwayError {
  const request = describeRequest('PUT', url)
  const text = `The bucket refuses part ${index} (${reason})`
  return new PartwayError('BUCKET_REFUSED', text, { request })
}

function mismatch({ index, url }: SignedPart, reason: string): PartwayError {
  const text = `Part ${index} arrives at the bucket with other bytes than were read (${reason}), twice`
  return new PartwayError('CHECKSUM_MISMATCH', text, { request: describeRequest('PUT', url) })
}
