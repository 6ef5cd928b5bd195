import * as z from 'zod/mini'
import type { Upload, UploadDraft } from '../coordinator/session.js'
import {
  CHECKSUM_MODES,
  type StoredObject,
  storedObject,
  toCamel,
  toWire,
  UPLOAD_STATES,
} from '../protocol/index.js'

/**
 * How both stores keep an upload: the draft as JSON that is never written again, and the record of
 * what changes. Whatever is read back is checked here, so a file or a database of another release, or one
 * that somebody edited, is a fault and not a strange upload.
 */

const draftSchema = z.object({
  id: z.string(),
  owner: z.string(),
  filename: z.string(),
  size: z.int(),
  chunkSize: z.int(),
  totalChunks: z.int(),
  checksum: z.enum(CHECKSUM_MODES),
  key: z.string(),
  contentType: z.optional(z.string()),
  metadata: z.optional(z.record(z.string(), z.string())),
  digest: z.optional(z.string()),
  fileHash: z.optional(z.string()),
  createdAt: z.int(),
})

/** What changes of an upload, but for its parts. Times in milliseconds since the epoch. */
export const recordSchema = z.object({
  state: z.enum(['creating', ...UPLOAD_STATES]),
  epoch: z.int(),
  /** The highest epoch of which a record told more than `creating`. */
  judged: z.nullish(z.int()),
  /** Of the latest claim. */
  fence: z.int(),
  /** When the latest claim ends; 0 when nobody has one. */
  leaseUntil: z.int(),
  revision: z.int(),
  arrived: z.int(),
  expiresAt: z.int(),
  keepUntil: z.int(),
  /** Claims in a row for the state; what `settle` starts again. */
  attempts: z.nullish(z.int()),
  multipartId: z.nullish(z.string()),
  /** 1 where the multipart upload was found at the bucket. */
  adopted: z.nullish(z.literal(1)),
  expectedHash: z.nullish(z.string()),
  /** 1 while what was `completed` is verified again. */
  standing: z.nullish(z.literal(1)),
  /** JSON. */
  object: z.nullish(z.string()),
  /** 1 where it was begun in place of one that had lost its parts or its object. */
  renewed: z.nullish(z.literal(1)),
  /** URLs signed on that day: the days since 1970, UTC. */
  urls: z.nullish(z.int()),
  urlsDay: z.nullish(z.int()),
})

export type UploadRecord = z.infer<typeof recordSchema>

export function encodeDraft(draft: UploadDraft): string {
  return JSON.stringify(draftSchema.parse(draft))
}

export function decodeDraft(json: string): UploadDraft {
  return present(draftSchema.parse(JSON.parse(json)))
}

export function decodeRecord(json: string): UploadRecord {
  return recordSchema.parse(JSON.parse(json))
}

export function encodeObject(object: StoredObject): string {
  return JSON.stringify(toWire<z.infer<typeof storedObject>>(object))
}

export function toUpload(draft: UploadDraft, record: UploadRecord): Upload {
  const { state, epoch, expiresAt, keepUntil, multipartId, adopted, object } = record
  const { expectedHash, standing } = record
  return {
    ...draft,
    state,
    epoch,
    expiresAt,
    keepUntil,
    ...(multipartId == null ? {} : { multipartId }),
    ...(adopted == null ? {} : { adopted: true }),
    ...(expectedHash == null ? {} : { expectedHash }),
    ...(standing == null ? {} : { standing: true }),
    ...(object == null ? {} : { object: toCamel(storedObject.parse(JSON.parse(object))) }),
  }
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Under `exactOptionalPropertyTypes` an absent field is not one that is `undefined`; JSON has no such. */
function present<T extends object>(parsed: T): Present<T> {
  return parsed as Present<T>
}
