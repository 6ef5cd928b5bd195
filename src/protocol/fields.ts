import * as z from 'zod/mini'
import { CHECKSUM_MODES } from './checksum-mode.js'
import { hasForbiddenCharacter } from './filename.js'
import { S3_LIMITS } from './layout.js'

export { state } from './upload-state.js'

/** The fields that more than one message has, each with its rule. */

/** S3's own limits on user metadata are in bytes of all keys and values together: 2 KB. */
const METADATA_BYTES = 1_792

export const checksumMode = z.enum(CHECKSUM_MODES)

export const uploadId = z
  .string()
  .check(
    z.minLength(1),
    z.maxLength(128),
    z.regex(/^[A-Za-z0-9_-]+$/, 'must be letters, digits, "-" and "_"'),
  )

export const size = z.int().check(z.positive())

export const index = z.int().check(z.gte(1), z.lte(S3_LIMITS.maxParts))

export const filename = z.string().check(
  z.minLength(1),
  z.maxLength(1_024),
  z.refine((name) => !hasForbiddenCharacter(name), {
    error: 'must not have control, bidirectional or invisible characters',
  }),
)

/** The checksum of a part or an object as S3 writes it; which length fits depends on the mode. */
export const checksum = z
  .string()
  .check(
    z.minLength(8),
    z.maxLength(64),
    z.regex(/^[A-Za-z0-9+/]+={0,2}(-[1-9][0-9]{0,4})?$/, 'must be base64'),
  )

export const etag = z
  .string()
  .check(
    z.minLength(1),
    z.maxLength(130),
    z.regex(
      /^("[\x21\x23-\x7e]+"|[\x21\x23-\x7e]+)$/,
      'must be an ETag, with or without its quotes',
    ),
  )

export const fileHash = z
  .string()
  .check(
    z.regex(
      /^([0-9a-fA-F]{64}|[0-9a-fA-F]{32})$/,
      'must be hexadecimal: 64 digits of SHA-256 or 32 of MD5',
    ),
  )

/** Whatever the client takes to identify the file: its meaning is the client's own. */
export const fingerprint = z.string().check(
  z.minLength(1),
  z.maxLength(512),
  z.refine((text) => !hasForbiddenCharacter(text), {
    error: 'must not have control or invisible characters',
  }),
)

export const contentType = z
  .string()
  .check(
    z.minLength(3),
    z.maxLength(255),
    z.regex(
      /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+( ?; ?[A-Za-z0-9-]+=("[\x20\x21\x23-\x5b\x5d-\x7e]*"|[A-Za-z0-9!#$&^_.+-]+))*$/,
      'must be a media type such as "image/png"',
    ),
  )

/** Whoever copies metadata into an object of JavaScript, on any side, would change what that object is. */
const INHERITED_NAMES: readonly string[] = ['constructor', 'prototype']

const metadataKey = z.string().check(
  z.regex(/^[a-z0-9-]{1,64}$/, 'must be 1 to 64 lower-case letters, digits and "-"'),
  z.refine((key) => !INHERITED_NAMES.includes(key), {
    error: `must not be ${INHERITED_NAMES.join(' or ')}`,
  }),
)

const metadataValue = z.string().check(
  // To encode a text of 1 MB takes half a second.
  z.maxLength(1_024, { abort: true }),
  z.refine((text) => !hasForbiddenCharacter(text), {
    error: 'must not have control or invisible characters',
    // What is not well-formed Unicode cannot be encoded, so the bytes of the whole are not counted then.
    abort: true,
  }),
)

/** Kept with the object as `x-amz-meta-*`, percent-encoded where it is not ASCII. */
export const metadata = z.record(metadataKey, metadataValue).check(
  z.refine((entries) => metadataBytes(entries) <= METADATA_BYTES, {
    error: `must have at most ${METADATA_BYTES} bytes in all`,
  }),
  z.refine((entries) => !Object.keys(entries).some((key) => key.startsWith('partway-')), {
    error: 'keys that begin with "partway-" are kept for the server',
  }),
)

function metadataBytes(entries: Record<string, string>): number {
  return Object.entries(entries).reduce(
    (bytes, [key, value]) => bytes + key.length + encodeMetadataValue(value).length,
    0,
  )
}

/**
 * S3 takes US-ASCII in metadata headers only, so anything else, and the `%` itself, is
 * percent-encoded; so is a space at either end, where HTTP drops it. `decodeURIComponent` gives the
 * value back. Throws on a lone surrogate.
 */
export function encodeMetadataValue(value: string): string {
  return value.replace(/^ | $|[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent)
}
