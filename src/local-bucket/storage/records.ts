import * as z from 'zod/mini'

/**
 * What is recorded of buckets, objects, uploads and parts, as rows of the catalogue give it. Keys are read as
 * text (`CAST`): libsql gives blobs back as buffers of two kinds, by the method.
 */

export const ALGORITHM_NAMES = ['SHA256', 'CRC64NVME', 'CRC32C', 'CRC32'] as const
export const CHECKSUM_TYPES = ['FULL_OBJECT', 'COMPOSITE'] as const

const objectChecksumSchema = z.object({
  algorithm: z.enum(ALGORITHM_NAMES),
  type: z.enum(CHECKSUM_TYPES),
  /** In base64, a composite one with `-n`. */
  value: z.string(),
})

const json = z.pipe(
  z.string(),
  z.transform((text) => JSON.parse(text) as unknown),
)
/** Those that come back with an object: content type and the like, and user metadata. */
const headersSchema = z.pipe(json, z.record(z.string(), z.string()))
export const bucketSchema = z.object({ name: z.string(), createdAt: z.int() })

export const objectSchema = z.object({
  row: z.int(),
  key: z.string(),
  size: z.int(),
  etag: z.string(),
  modifiedAt: z.int(),
  headers: headersSchema,
  checksum: z.pipe(
    z.nullable(z.string()),
    z.transform((text) =>
      text === null ? undefined : objectChecksumSchema.parse(JSON.parse(text)),
    ),
  ),
  upload: z.nullable(z.string()),
})

export const segmentSchema = z.object({ blob: z.string(), size: z.int() })

export const uploadSchema = z.object({
  id: z.string(),
  key: z.string(),
  initiatedAt: z.int(),
  headers: headersSchema,
  algorithm: z.nullable(z.enum(ALGORITHM_NAMES)),
  type: z.nullable(z.enum(CHECKSUM_TYPES)),
})

export const partSchema = z.object({
  number: z.int(),
  blob: z.string(),
  size: z.int(),
  etag: z.string(),
  checksum: z.nullable(z.string()),
  modifiedAt: z.int(),
})

export type Algorithm = (typeof ALGORITHM_NAMES)[number]
export type ChecksumType = (typeof CHECKSUM_TYPES)[number]
export type ObjectChecksum = z.infer<typeof objectChecksumSchema>
export type BucketRecord = z.infer<typeof bucketSchema>
export type ObjectRecord = z.infer<typeof objectSchema>
export type Segment = z.infer<typeof segmentSchema>
export type UploadRecord = z.infer<typeof uploadSchema>
export type PartRecord = z.infer<typeof partSchema>

/** Where an object is, or will be. */
export interface ObjectPlace {
  readonly bucket: string
  readonly key: string
}

/** An object as it is put into the catalogue; its bytes are those of the segments, in order. */
export interface NewObject {
  readonly size: number
  readonly etag: string
  readonly modifiedAt: number
  readonly headers: Readonly<Record<string, string>>
  readonly checksum?: ObjectChecksum | undefined
  /** The multipart upload that it was made by. */
  readonly upload?: string
  readonly segments: readonly Segment[]
}
