import { InvalidArgumentError } from 'commander'
import { formatBytes } from '../client/units.js'
import { MAX_CONCURRENCY } from '../client/upload-options.js'
import { CHECKSUM_MODES, type ChecksumMode, parseByteSize, S3_LIMITS } from '../protocol/index.js'

/** Readers of single arguments. Commander puts the option's name and the value before their text. */

export function concurrencyArgument(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_CONCURRENCY) return count
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_CONCURRENCY}.`)
}

export function portArgument(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError('It must be a port from 1 to 65535, or 0 for any that is free.')
}

export function chunkSizeArgument(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes !== undefined && bytes >= 1 && bytes <= S3_LIMITS.maxPartSize) return bytes
  const limit = formatBytes(S3_LIMITS.maxPartSize)
  throw new InvalidArgumentError(`It must be a size such as 16MiB, of at most ${limit}.`)
}

export function checksumArgument(text: string): ChecksumMode {
  const mode = CHECKSUM_MODES.find((known) => known === text)
  if (mode !== undefined) return mode
  throw new InvalidArgumentError(`It must be one of ${CHECKSUM_MODES.join(', ')}.`)
}

/** Adds one `key=value` to those before it. */
export function metadataArgument(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [, key, value] = /^([a-z0-9-]{1,64})=(.*)$/s.exec(text) ?? []
  if (key !== undefined && value !== undefined) return { ...before, [key]: value }
  const rule = 'It must be key=value, the key of 1 to 64 lower-case letters, digits and "-".'
  throw new InvalidArgumentError(rule)
}
