import type { Upload } from '../../src/coordinator/session.js'
import type { StoredObject } from '../../src/protocol/index.js'
import type { ModelFile, Version } from './model-file.js'
import type { Actor } from './stage.js'

/** A part as the bucket holds it, by what was put. */
export interface PutRecord {
  readonly bytes: Buffer
  readonly etag: string
  readonly checksum?: string
}

/** A multipart upload, with what was ever done to its parts. */
export class MultipartHistory {
  readonly id: string
  readonly token: string
  /** Opened before the record of its upload was lost, so nobody can know what was signed. */
  isOld = false
  /** By index: what the bucket holds, and all that it ever held. */
  readonly parts = new Map<number, PutRecord>()
  readonly everPut = new Map<number, PutRecord[]>()
  /** By index: the checksum signed last, all that ever were, and the ETags reported. */
  readonly signed = new Map<number, string>()
  readonly everSigned = new Map<number, string[]>()
  readonly reported = new Map<number, string[]>()

  constructor(id: string, token: string) {
    this.id = id
    this.token = token
  }

  put(index: number, part: PutRecord): void {
    this.parts.set(index, part)
    append(this.everPut, index, part)
  }

  sign(index: number, checksum: string): void {
    this.signed.set(index, checksum)
    append(this.everSigned, index, checksum)
  }

  report(index: number, etag: string): void {
    append(this.reported, index, etag)
  }
}

export interface KnownUrl {
  readonly multipartId: string
  readonly index: number
  readonly version: Version
}

/** All that is known of one file: what its client was told, and what must therefore be true. */
export class FileHistory {
  readonly file: ModelFile
  id: string | undefined
  key = ''
  /** Newest last. */
  readonly urls: KnownUrl[] = []
  /** What the bucket answered to the client's latest PUT of each part. */
  readonly etags = new Map<number, string>()
  readonly multiparts = new Map<string, MultipartHistory>()
  /** By ETag, the bytes of the objects whose content was found right when the bucket made them. */
  readonly rightObjects = new Map<string, Buffer>()
  /** The object that a client was told of, until the test deletes it. */
  told: StoredObject | undefined
  /** Whose claim is the latest, of the creation or of the end, and until when nobody else may claim. */
  claimant: Actor | undefined
  leaseEnd = 0
  /** Until when whoever opens it has its room. */
  openingEnd = 0
  /** How often the test deleted an object of the owner. */
  deletions = 0
  /** The record as it last was. */
  record: Upload | undefined
  /** The highest epoch of which the record told more than `creating`. */
  judged = 0
  /** Whether a record was lost, with the epochs it counted. */
  isForgotten = false

  constructor(file: ModelFile) {
    this.file = file
  }

  /** The test deleted the object under `key`, which may be another upload's, given to this one. */
  deleted(key: string): void {
    if (this.told?.key === key) this.told = undefined
    this.deletions++
  }

  /** Whether it was anybody's to claim. */
  claim(by: Actor, { now, leaseMs }: { readonly now: number; readonly leaseMs: number }): boolean {
    const isFree = this.leaseEnd <= now
    this.claimant = by
    this.leaseEnd = now + leaseMs
    return isFree
  }

  /** The claim of `by` ends earlier or later. `false` when it is not the latest. */
  extend(by: Actor, { now, leaseMs }: { readonly now: number; readonly leaseMs: number }): boolean {
    this.leaseEnd = now + leaseMs
    return this.claimant === by
  }

  /** What the store holds from now on. */
  keep(record: Upload | undefined): void {
    this.record = record
    if (record === undefined || record.state === 'creating') return
    this.judged = Math.max(this.judged, record.epoch)
  }

  forget(): void {
    this.record = undefined
    this.judged = 0
    this.leaseEnd = 0
    this.isForgotten = true
    for (const multipart of this.multiparts.values()) multipart.isOld = true
  }
}

function append<T>(lists: Map<number, T[]>, index: number, item: T): void {
  lists.set(index, [...(lists.get(index) ?? []), item])
}
