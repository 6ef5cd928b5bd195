import type {
  AbortReply,
  AbortRequest,
  CompleteReply,
  CompleteRequest,
  InitRequest,
  ListQuery,
  ListReply,
  PartsReply,
  PartsRequest,
  SignedPart,
  StatusQuery,
  StatusReply,
} from '../protocol/index.js'
import type { CleanUpOptions, CleanUpReport } from './clean-up.js'
import type { Limits } from './limits.js'
import type { UploadRef, Usage } from './ports.js'

/** Who is calling, as the host application established it. */
export interface Caller {
  /** Uploads of one owner do not exist for another. Well-formed text of 1 to 256 bytes, without control characters. */
  readonly owner: string
  /** Each takes the place of the server's own. @default the server's own */
  readonly limits?: Limits
}

/**
 * Signed parts, batch by batch. Each batch is signed when it is asked for, so that 10,000 URLs are never in
 * memory at once and none waits, and ages, for a client that reads slowly. To be read once.
 */
export type SignedBatches = AsyncIterable<readonly SignedPart[]>

export interface InitOutcome {
  /** Whether this call created the upload; otherwise it was known already. */
  readonly created: boolean
  readonly reply: StatusReply
  /** Present when the request asked for URLs and the upload takes parts. */
  readonly parts?: SignedBatches
}

export interface PartsOutcome {
  readonly reply: Omit<PartsReply, 'parts'>
  readonly parts: SignedBatches
}

export interface Readiness {
  readonly store: boolean
  readonly bucket: boolean
}

/**
 * The coordinator. Requests are messages that passed their schema (`parseMessage`); whatever needs more
 * than the message itself is checked here. Every refusal is an `UploadError`.
 */
export interface Partway {
  /** Opens an upload, or finds the one that was opened for the same file before. */
  init(caller: Caller, request: InitRequest): Promise<InitOutcome>
  /** Records parts that arrived and signs the URLs of others. */
  parts(caller: Caller, request: PartsRequest): Promise<PartsOutcome>
  status(caller: Caller, query: StatusQuery): Promise<StatusReply>
  /** Closes the upload once every byte is proven to be there. Repeated, it gives the same result. */
  complete(caller: Caller, request: CompleteRequest): Promise<CompleteReply>
  abort(caller: Caller, request: AbortRequest): Promise<AbortReply>
  list(caller: Caller, query: ListQuery): Promise<ListReply>
  /** What the caller has of what is limited. */
  usage(caller: Caller): Promise<Usage>
  /**
   * Uploads that somebody left in the middle of completion, verification or abort: at most `limit`, those
   * that wait longest. Whoever runs a server takes them up again with {@link resume}; `partway/operations`
   * has the worker that does.
   */
  due(limit: number): Promise<readonly UploadRef[]>
  /**
   * Takes up what is to be done for an upload besides what its clients ask for, if there is anything and
   * nobody else is at it. Rejects when it could not be finished; it is `due` again later, and at once when
   * `signal` aborts.
   */
  resume(ref: UploadRef, signal?: AbortSignal): Promise<void>
  /**
   * Gives up the uploads past their time, and forgets records that have ended. Whoever runs a server has it done
   * every few minutes; `partway/operations` has the janitor that does.
   */
  cleanUp(options?: CleanUpOptions): Promise<CleanUpReport>
  /** Asks the store and the bucket; never rejects. */
  check(): Promise<Readiness>
  /** Closes the store. */
  close(): Promise<void>
}
