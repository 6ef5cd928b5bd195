import type { ChecksumMode, StatusReply } from '../protocol/index.js'
import type { ProvenPart, RecordedParts } from './part-ledger.js'
import type { ClientClock, FileSource, RememberedUpload, ResumeStore } from './ports.js'

export interface UploadMemoryOptions {
  readonly store: ResumeStore
  readonly clock: ClientClock
  readonly file: RememberedFile
  readonly scope: string
  readonly endpoint: string
}

/** A file that a person can choose again. */
export interface RememberedFile extends FileSource {
  /** Milliseconds since the epoch; absent for bytes that are no file, which nobody can bring again. */
  readonly lastModified?: number
}

/** The way in which an upload was begun, which is part of its identity. */
export interface Recalled {
  readonly uploadId: string
  readonly chunkSize: number
  readonly checksum: ChecksumMode
  readonly parts: RecordedParts
}

/**
 * What outlives the page of one upload. To remember is a convenience: a store that fails keeps no upload
 * from going on.
 */
export class UploadMemory {
  readonly #options: UploadMemoryOptions
  readonly #id: string
  /** What comes after the beginning waits for it to be written: it would be undone otherwise. */
  #saving: Promise<void> = Promise.resolve()

  constructor(options: UploadMemoryOptions) {
    this.#options = options
    const { scope, endpoint, file } = options
    this.#id = JSON.stringify([scope, endpoint, file.fingerprint])
  }

  /** Tells this upload from others, for as long as the file is what it is. */
  get id(): string {
    return this.#id
  }

  async recall(): Promise<Recalled | undefined> {
    const { store, clock } = this.#options
    const found = await store.find(this.#id).catch(() => undefined)
    if (found === undefined) return undefined
    if (found.expiresAt <= clock.wallTime()) return this.forget().then(() => undefined)
    const checksums = await store.parts(this.#id).catch(() => new Map<number, string>())
    const { uploadId, chunkSize, checksum } = found
    return { uploadId, chunkSize, checksum, parts: { chunkSize, mode: checksum, checksums } }
  }

  begun(reply: StatusReply): Promise<void> {
    this.#saving = this.#save(reply)
    return this.#saving
  }

  async proven({ index, etag, checksum }: ProvenPart): Promise<void> {
    const { store, file } = this.#options
    if (file.lastModified === undefined) return
    await this.#saving
    await store.addPart(this.#id, index, checksum ?? etag).catch(() => {})
  }

  async forget(): Promise<void> {
    await this.#saving
    await this.#options.store.forget(this.#id).catch(() => {})
  }

  async #save({ uploadId, chunkSize, checksum, expiresIn }: StatusReply): Promise<void> {
    const { store, clock, file, scope, endpoint } = this.#options
    const { name: filename, size, fingerprint, lastModified } = file
    if (lastModified === undefined || fingerprint === undefined) return
    const updatedAt = clock.wallTime()
    const upload: RememberedUpload = {
      ...{ id: this.#id, scope, endpoint, fingerprint, uploadId, filename, size, lastModified },
      ...{ chunkSize, checksum, updatedAt, expiresAt: updatedAt + expiresIn * 1_000 },
    }
    try {
      const before = await store.find(this.#id)
      const isCutAlike = before?.chunkSize === chunkSize && before.checksum === checksum
      // The checksums of parts that were cut or hashed otherwise would tell of a change that is none.
      if (!isCutAlike) await store.forget(this.#id)
      await store.save(upload)
    } catch {}
  }
}
