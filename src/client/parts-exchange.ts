import type { PartToSign, ReportedPart, SignedPart } from '../protocol/index.js'
import type { CallOptions, CoordinatorApi } from './api.js'
import { PartwayError } from './partway-error.js'

export interface PartsExchangeOptions extends CallOptions {
  /**
   * How many parts have their URL and wait for a connection; less than 0 when connections wait for them, as is
   * supposed without it.
   */
  readonly reserve?: () => number
}

/** Parts that share a call, as long as enough others are there to be sent meanwhile. */
const TOGETHER = 8
/** The more others there are, the more parts a call waits for. */
const FOR_EACH_IN_RESERVE = 2

interface Need {
  readonly part: PartToSign
  readonly resolve: (signed: SignedPart) => void
  readonly reject: (error: unknown) => void
}

/**
 * The talk about parts with the coordinator. At most one call is under way; whatever is needed or to be
 * reported meanwhile goes along with the next one, so however many parts are in flight, calls do not
 * pile up. While connections have parts to send, a call waits for company: the more, the more parts there are.
 * Reports wait for a call that is made anyway, at the latest the completion.
 */
export class PartsExchange {
  readonly #api: CoordinatorApi
  readonly #uploadId: string
  readonly #options: PartsExchangeOptions
  readonly #reports = new Map<number, ReportedPart>()
  #needs: Need[] = []
  #isUrgent = false
  #isRunning = false

  constructor(api: CoordinatorApi, uploadId: string, options: PartsExchangeOptions) {
    this.#api = api
    this.#uploadId = uploadId
    this.#options = options
  }

  /** A URL for the part, at once if it `isUrgent`. Rejects with what the call was refused with. */
  sign(part: PartToSign, isUrgent = false): Promise<SignedPart> {
    return new Promise((resolve, reject) => {
      this.#needs.push({ part, resolve, reject })
      this.#isUrgent ||= isUrgent
      // One turn later, so that the parts which were ready in this one share the call.
      Promise.resolve().then(() => this.proceed())
    })
  }

  /** Makes the next call, if it is time. To be called also when the reserve has become smaller. */
  proceed(): void {
    const needs = this.#needs
    if (this.#isRunning || needs.length === 0) return
    const reserve = this.#options.reserve?.() ?? -1
    const enough = Math.min(TOGETHER, FOR_EACH_IN_RESERVE * (reserve + 1))
    if (!this.#isUrgent && needs.length < enough) return
    this.#isRunning = true
    this.#isUrgent = false
    this.#needs = []
    this.#exchange(needs).finally(() => {
      this.#isRunning = false
      this.proceed()
    })
  }

  report(part: ReportedPart): void {
    this.#reports.set(part.index, part)
  }

  /** What was reported of the part, if it is still waiting, is not true any more. */
  retract(index: number): void {
    this.#reports.delete(index)
  }

  /** The reports that no call has carried yet. */
  pending(): ReportedPart[] {
    return [...this.#reports.values()]
  }

  /** A call has carried these. */
  delivered(parts: readonly ReportedPart[]): void {
    for (const part of parts) {
      if (this.#reports.get(part.index) === part) this.#reports.delete(part.index)
    }
  }

  /** Sends the waiting reports, under a signal of its own: it is used after the upload was stopped. */
  async flush(signal: AbortSignal): Promise<void> {
    const uploaded = this.pending()
    if (uploaded.length === 0) return
    await this.#api.parts({ uploadId: this.#uploadId, uploaded }, { signal })
    this.delivered(uploaded)
  }

  /** Never rejects. */
  async #exchange(needs: readonly Need[]): Promise<void> {
    const uploaded = this.pending()
    try {
      const reply = await this.#api.parts(
        {
          uploadId: this.#uploadId,
          sign: needs.map((need) => need.part),
          ...(uploaded.length === 0 ? {} : { uploaded }),
        },
        this.#options,
      )
      this.delivered(uploaded)
      const signed = new Map(reply.parts.map((part) => [part.index, part]))
      for (const need of needs) answer(need, signed.get(need.part.index))
    } catch (error) {
      for (const need of needs) need.reject(error)
    }
  }
}

function answer({ part, resolve, reject }: Need, signed: SignedPart | undefined): void {
  if (signed !== undefined) resolve(signed)
  else {
    const text = `The server gave no URL for part ${part.index}`
    reject(new PartwayError('UNEXPECTED_REPLY', text))
  }
}
