import type { SignedPart } from '../protocol/index.js'
import type { RetryEvent } from './events.js'
import type { LoadedPart } from './part-loader.js'
import type { PartsExchange } from './parts-exchange.js'
import { describeRequest, PartwayError } from './partway-error.js'
import type { ClientPorts, HttpReply } from './ports.js'
import { type PutOutcome, putOutcome } from './put-outcome.js'
import { reasonOf } from './reason.js'
import { nextDelayMs, type RetryPolicy, retryAfterMs, withStallLimit } from './retry.js'

export interface PartSenderOptions {
  readonly ports: ClientPorts
  readonly exchange: PartsExchange
  readonly retry: RetryPolicy
  /** After so long without a byte moving, a try is given up, in ms. */
  readonly stallMs: number
  readonly signal: AbortSignal
  /** So many bytes of the part have gone so far; 0 when they have to go again. */
  readonly onSent: (index: number, bytes: number) => void
  readonly onRetry: (event: RetryEvent) => void
}

interface HeldUrl {
  readonly signed: SignedPart
  readonly expiresAt: number
}

interface Attempt {
  readonly outcome: PutOutcome
  readonly retryAfterMs: number | undefined
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

  constructor(options: PartSenderOptions) {
    this.#options = options
  }

  /**
   * Resolves once the bucket has answered with the part's ETag, which is then reported. `reload` reads
   * the bytes of the part again.
   */
  async send(part: LoadedPart, reload: () => Promise<LoadedPart>): Promise<void> {
    const tally: Tally = { failures: 0, refusals: 0, mismatches: 0 }
    let current = part
    let url: HeldUrl | undefined
    for (;;) {
      url = this.#stillGood(url) ?? (await this.#sign(current))
      const { outcome, retryAfterMs } = await this.#attempt(current, url.signed)
      if (outcome.kind === 'stored') return this.#report(current, outcome.etag)
      this.#options.onSent(part.index, 0)
      await this.#afterFailure({ outcome, retryAfterMs }, tally, url)
      if (outcome.kind === 'corrupt') current = await reload()
      if (outcome.kind !== 'transient') url = undefined
    }
  }

  /** Waits where that may help; throws where nothing will. */
  async #afterFailure(attempt: Attempt, tally: Tally, url: HeldUrl): Promise<void> {
    const { outcome, retryAfterMs } = attempt
    const { signed } = url
    switch (outcome.kind) {
      case 'transient':
        tally.refusals = 0
        tally.failures++
        return this.#backOff(outcome.reason, { failures: tally.failures, retryAfterMs }, signed)
      case 'url-refused':
        return this.#afterRefusedUrl(outcome.reason, tally, url)
      case 'corrupt':
        if (tally.mismatches++ > 0) throw mismatch(signed, outcome.reason)
        return this.#retrying(signed.index, outcome.reason, 0)
      case 'refused':
        throw refused(signed, outcome.reason)
      case 'gone':
        throw new PartwayError('UPLOAD_GONE', 'The bucket no longer has this upload')
      case 'stored':
        return
    }
  }

  /**
   * The bucket looks at the clock when a request begins, which on a crowded line may be long after it was
   * signed. So a refusal is held against the bucket only while the URL should have been good.
   */
  #afterRefusedUrl(reason: string, tally: Tally, url: HeldUrl): void {
    const { signed } = url
    tally.failures++
    if (this.#stillGood(url) !== undefined && tally.refusals++ > 0) {
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
      return { outcome: putOutcome(reply), retryAfterMs: pause }
    } catch (error) {
      signal.throwIfAborted()
      const outcome = { kind: 'transient', reason: reasonOf(error) } as const
      return { outcome, retryAfterMs: undefined }
    }
  }

  #put(
    { index, bytes }: LoadedPart,
    { url, headers }: SignedPart,
    { signal, touch }: { readonly signal: AbortSignal; readonly touch: () => void },
  ): Promise<HttpReply> {
    const onSent = (sent: number) => {
      touch()
      this.#options.onSent(index, sent)
    }
    return this.#options.ports.transport.putPart({ url, headers, body: bytes, signal, onSent })
  }

  async #backOff(
    reason: string,
    failure: { readonly failures: number; readonly retryAfterMs: number | undefined },
    { index, url }: SignedPart,
  ): Promise<void> {
    const { ports, retry, signal } = this.#options
    const delayMs = nextDelayMs(retry, failure, ports.random)
    if (delayMs === undefined) {
      const text = `Part ${index} could not be sent in ${failure.failures} tries: ${reason}`
      throw new PartwayError('BUCKET_UNREACHABLE', text, { request: describeRequest('PUT', url) })
    }
    this.#retrying(index, reason, delayMs)
    await ports.clock.sleep(delayMs, signal)
  }

  #retrying(index: number, reason: string, delayMs: number): void {
    this.#options.onRetry({ type: 'retry', what: 'part', index, reason, delayMs })
  }

  #stillGood(url: HeldUrl | undefined): HeldUrl | undefined {
    return url !== undefined && this.#options.ports.clock.now() < url.expiresAt ? url : undefined
  }

  async #sign({ index, bytes, checksum }: LoadedPart): Promise<HeldUrl> {
    const { exchange, ports } = this.#options
    const askedAt = ports.clock.now()
    const signed = await exchange.sign({ index, ...(checksum === undefined ? {} : { checksum }) })
    if (signed.size !== bytes.length) {
      const text = `The server signed ${signed.size} bytes for part ${index} of ${bytes.length}`
      throw new PartwayError('UNEXPECTED_REPLY', text)
    }
    return { signed, expiresAt: askedAt + signed.expiresIn * 1_000 }
  }

  #report({ index, checksum }: LoadedPart, etag: string): void {
    this.#options.exchange.report({ index, etag, ...(checksum === undefined ? {} : { checksum }) })
  }
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
