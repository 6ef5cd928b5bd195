import type { ChecksumMode } from '../protocol/index.js'

/**
 * What the upload engine needs from where it runs. The engine itself knows neither Node nor a browser,
 * reads no clock and rolls no dice.
 */
export interface ClientPorts {
  readonly transport: Transport
  readonly clock: ClientClock
  readonly hasher: Hasher
  /** A number from 0 up to, not including, 1. It spreads retries; nothing secret hangs on it. */
  readonly random: () => number
  /**
   * A controller whose signal as many may listen to as there are parts in flight; Node takes more than
   * ten listeners for a leak unless it is told otherwise.
   */
  readonly createAbortController: () => AbortController
}

/** Every HTTP status is an answer; a rejection means that none came, or that `signal` was aborted. */
export interface Transport {
  /** Talks with the coordinator. Redirects are not followed. */
  call(request: CallRequest): Promise<HttpReply>

  /**
   * Sends the bytes of one part to the bucket, without credentials of any kind. An answer that comes
   * before all bytes are sent is an answer like any other, even when the connection breaks after it.
   */
  putPart(request: PutPartRequest): Promise<HttpReply>
}

export interface CallRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

export interface PutPartRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Must not be changed before the promise settles. */
  readonly body: Uint8Array
  readonly signal: AbortSignal
  /** Told, as the bytes go, how many of them went in all. */
  readonly onSent: (bytes: number) => void
}

export interface HttpReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A file as it was when it was opened. */
export interface FileSource {
  /** The base name. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /**
   * The same for the same untouched file at any later time, so that an interrupted upload is found
   * again; absent when nothing of the kind is known, and then the upload cannot be found again.
   */
  readonly fingerprint?: string
  /** Differs from {@link FileSource.currentVersion} once the file has been changed. */
  readonly version: string

  /** Fills `into` with the bytes from `offset`. Resolves to how many there were. */
  read(into: Uint8Array, offset: number): Promise<number>

  currentVersion(): Promise<string>
}

export interface Hasher {
  /** The checksum of a part, in base64 as S3 has it. */
  hash(mode: Exclude<ChecksumMode, 'none'>, bytes: Uint8Array): Promise<string>
}

export interface ClientClock {
  /** Milliseconds, from any beginning. */
  now(): number
  /** Milliseconds since the epoch, for dates that a server names. */
  wallTime(): number
  /** Resolves after `ms`; rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}
