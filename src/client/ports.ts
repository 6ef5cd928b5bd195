import type { ChecksumMode } from '../protocol/index.js'

/**
 * What the upload engine needs from where it runs. The engine itself knows neither Node nor a browser,
 * reads no clock and rolls no dice.
 */
export interface ClientPorts {
  readonly transport: Transport
  readonly clock: ClientClock
  readonly hasher: Hasher
  readonly online: OnlineSignal
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
  /**
   * Whether the answer of another origin can be hidden from it (CORS), as is so in browsers: then no
   * answer at all and an answer without `ETag` may be the fault of settings.
   */
  readonly obeysCors: boolean

  /** Talks with the coordinator. Redirects are not followed. */
  call(request: CallRequest): Promise<HttpReply>

  /**
   * Sends the bytes of one part to the bucket, without credentials of any kind. An answer that comes
   * before all bytes are sent is an answer like any other, even when the connection breaks after it.
   */
  putPart(request: PutPartRequest): Promise<HttpReply>

  /** How many parts can really be on their way to that address at once. */
  connectionsTo(url: string): number
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
  readonly body: PartBody
  readonly signal: AbortSignal
  /** Told, as the bytes go, how many of them went in all. */
  readonly onSent: (bytes: number) => void
}

/** The bytes of a part, or the piece of a file that they are. */
export type PartBody = Uint8Array | Blob

export interface HttpReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Memory for a part, the same at each call. Whoever has to move it elsewhere (and thereby detaches it) hands over
 * what it has become.
 */
export type PartBuffer = (moved?: Uint8Array) => Uint8Array

/**
 * A range of a file. It is cut once, to be read and to be sent: Chromium copies what is cut out of a blob that is in
 * memory, and the copies stay until a garbage collection finds them, in a storage that is soon full.
 */
export interface FilePiece {
  /** What can be sent without being in memory; then what was read is let go as soon as it is hashed. */
  readonly body?: Blob | undefined
  /** A source that can read into memory which is there already takes `buffer()`; another makes its own. */
  readonly read: (buffer: PartBuffer) => Promise<Uint8Array>
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

  /** The bytes from `offset`, as many as there are up to `length`. */
  piece(offset: number, length: number): FilePiece

  currentVersion(): Promise<string>
}

export interface Hasher {
  /** The checksum of a part, in base64 as S3 has it. */
  hash(mode: Exclude<ChecksumMode, 'none'>, bytes: Uint8Array): Promise<string>

  /**
   * The same of a piece of a file, read where that holds up nobody. Resolves to nothing where that cannot be done, also
   * when the piece cannot be read: then its bytes are read, which tells why, and hashed.
   */
  hashPiece?(mode: Exclude<ChecksumMode, 'none'>, piece: Blob): Promise<string | undefined>
}

/** What the system says of its network. It is a hint: `true` means little, and `false` may be wrong. */
export interface OnlineSignal {
  isOnline(): boolean
  /** Resolves when the system says that it is online; rejects with the signal's reason. */
  whenOnline(signal: AbortSignal): Promise<void>
}

export interface ClientClock {
  /** Milliseconds, from any beginning. */
  now(): number
  /** Milliseconds since the epoch, for dates that a server names. */
  wallTime(): number
  /** Resolves after `ms`; rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Keeps two tabs, or two uploads of one tab, from sending the same file at once. */
export interface UploadLocks {
  /**
   * Resolves, once nobody else holds `name`, to what gives it back. `onWait` is told when somebody does.
   * What a tab held is free when the tab is closed.
   */
  acquire(
    name: string,
    options: { readonly signal: AbortSignal; readonly onWait: () => void },
  ): Promise<() => void>
}

/** An upload that was begun and not finished, as a page remembers it. Times in ms since the epoch. */
export interface RememberedUpload {
  /** Derived from `scope`, `endpoint` and `fingerprint`. */
  readonly id: string
  readonly scope: string
  readonly endpoint: string
  readonly fingerprint: string
  readonly uploadId: string
  readonly filename: string
  /** Bytes. */
  readonly size: number
  readonly lastModified: number
  readonly chunkSize: number
  readonly checksum: ChecksumMode
  readonly updatedAt: number
  readonly expiresAt: number
}

/** Remembers uploads and the checksums of their parts across reloads. */
export interface ResumeStore {
  find(id: string): Promise<RememberedUpload | undefined>
  list(): Promise<RememberedUpload[]>
  /** Sets the upload; the parts that were kept for its id stay. */
  save(upload: RememberedUpload): Promise<void>
  /** A part is in the bucket, and this is the checksum of its bytes. */
  addPart(id: string, index: number, checksum: string): Promise<void>
  /** The checksums of the parts, by index. */
  parts(id: string): Promise<ReadonlyMap<number, string>>
  forget(id: string): Promise<void>
}
