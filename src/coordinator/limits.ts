import * as z from 'zod/mini'
import { S3_LIMITS } from '../protocol/index.js'
import type { UsageLimits } from './usage.js'

/**
 * What a caller may do. Sizes in bytes; what is absent is not limited. The limits of a caller take the place of
 * the server's own, field by field, so they may be wider as well.
 */
export interface Limits extends UsageLimits {
  /** The largest file. */
  readonly maxFileSize?: number
  /** The smallest part but the last. Where it is less than the bucket takes, the bucket's rule holds. */
  readonly minPartSize?: number
  /** The largest part. Where it is more than the bucket takes, the bucket's rule holds. */
  readonly maxPartSize?: number
  /** Media types that may be declared, such as `image/png` or `image/*`; with an asterisk on both sides, any. */
  readonly allowedTypes?: readonly string[]
  /** What the name of a file may end with, without the dot, such as `jpg` or `tar.gz`; `*` for anything. */
  readonly allowedExtensions?: readonly string[]
}

export const DEFAULT_LIMITS: Limits = { maxFileSize: S3_LIMITS.maxObjectSize }

export const MEDIA_TYPE_PATTERN = /^([A-Za-z0-9!#$&^_.+-]+\/([A-Za-z0-9!#$&^_.+-]+|\*)|\*\/\*)$/

/** One or more parts of a name, without the dot before the first. */
export const EXTENSION_PATTERN = /^([\p{L}\p{N}_+-]+(\.[\p{L}\p{N}_+-]+)*|\*)$/u

const MAX_ITEMS = 1_000

const count = z.int().check(z.nonnegative())
const bytes = z.int().check(z.positive())
const list = (pattern: RegExp) =>
  z.array(z.string().check(z.maxLength(255), z.regex(pattern))).check(z.maxLength(MAX_ITEMS))

const limitsSchema = z.strictObject({
  maxFileSize: z.optional(bytes),
  minPartSize: z.optional(bytes),
  maxPartSize: z.optional(bytes),
  allowedTypes: z.optional(list(MEDIA_TYPE_PATTERN)),
  allowedExtensions: z.optional(list(EXTENSION_PATTERN)),
  maxOpenUploads: z.optional(count),
  maxReservedBytes: z.optional(count),
  maxStoredBytes: z.optional(count),
  maxUploadsPerDay: z.optional(count),
} satisfies Record<keyof Limits, z.ZodMiniType>)

/** Limits from outside; `undefined` for anything that is not exactly such. */
export function parseLimits(input: unknown): Limits | undefined {
  const parsed = limitsSchema.safeParse(input)
  if (!parsed.success) return undefined
  const { minPartSize, maxPartSize } = parsed.data
  const isFit = minPartSize === undefined || maxPartSize === undefined || minPartSize <= maxPartSize
  // JSON has no `undefined`, and what the program passes with one means the same as leaving it out.
  return isFit ? (withoutUndefined(parsed.data) as Limits) : undefined
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))
}
